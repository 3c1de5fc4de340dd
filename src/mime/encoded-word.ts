/** Bytes in a charset as text; undefined when the charset is not known. Throws nothing. */
export type DecodeCharset = (charset: string, bytes: Buffer) => string | undefined;

// RFC 2047 §2; spaces within a word are not allowed there, but found. RFC 2231 §5: a language may follow the charset.
const WORD = /=\?([^?* ]+)(?:\*[^? ]*)?\?([bBqQ])\?([^?]*)\?=/g;
/** Longest field that is decoded; the rest of a longer one is left as it is. */
const DECODED_MOST = 1024 * 1024;

interface Word {
  readonly charset: string;
  readonly bytes: Buffer;
}

/**
 * A header text for people: encoded words decoded (RFC 2047), white space between two of them left out. Neighbours in one charset
 * are decoded together, as a character may be split over them. What cannot be decoded stays as it is. `text` is in wire form: bytes
 * outside of words are taken as UTF-8 where they are that, else as windows-1252.
 */
export function decodeWords(text: string, decode: DecodeCharset): string {
  const head = text.slice(0, DECODED_MOST);
  const pieces: string[] = [];
  let run: { readonly words: Word[]; source: string } | undefined;
  let end = 0;
  const flush = () => {
    if (run) pieces.push(decodeRun(run.words, decode) ?? run.source);
    run = undefined;
  };
  for (const match of head.matchAll(WORD)) {
    const between = head.slice(end, match.index);
    const word: Word = { charset: (match[1] ?? '').toLowerCase(), bytes: wordBytes(match[2] ?? '', match[3] ?? '') };
    const blank = /^[ \t\r\n]+$/.test(between) || between === '';
    if (run && blank && run.words[0]?.charset === word.charset) {
      run.words.push(word);
      run.source += between + match[0];
    } else {
      const follows = run !== undefined && blank;
      flush();
      if (!follows) pieces.push(plain(between, decode));
      run = { words: [word], source: match[0] };
    }
    end = match.index + match[0].length;
  }
  flush();
  pieces.push(plain(text.slice(end), decode));
  return pieces.join('');
}

/**
 * A parameter's value for people: "charset'language'percent-encoded" when its name ends in "*" (RFC 2231 §4), else the text, with
 * the encoded words that RFC 2047 §5 forbids there and many send.
 */
export function decodeParameter(
  { name, value }: { readonly name: string; readonly value: string },
  decode: DecodeCharset,
): string {
  const extended = name.endsWith('*') ? /^([^']*)'[^']*'(.*)$/s.exec(value) : null;
  if (!extended) return decodeWords(value, decode);
  const [, charset = '', encoded = ''] = extended;
  const bytes = hexEscapes(encoded, '%');
  return (charset === '' ? undefined : decode(charset.toLowerCase(), bytes)) ?? plain(bytes.toString('latin1'), decode);
}

function decodeRun(words: readonly Word[], decode: DecodeCharset): string | undefined {
  const first = words[0];
  return first && decode(first.charset, Buffer.concat(words.map(({ bytes }) => bytes)));
}

function wordBytes(encoding: string, encoded: string): Buffer {
  if (encoding.toLowerCase() === 'b') return Buffer.from(encoded, 'base64');
  return hexEscapes(encoded.replaceAll('_', ' '), '=');
}

/** Characters are bytes, but for XX after the mark. */
function hexEscapes(text: string, mark: '=' | '%'): Buffer {
  const pattern = mark === '=' ? /=([0-9a-fA-F]{2})/g : /%([0-9a-fA-F]{2})/g;
  return Buffer.from(
    text.replace(pattern, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

/** RFC 6532 headers are UTF-8; what is not has no known charset, and is most often this one. */
function plain(text: string, decode: DecodeCharset): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  const bytes = Buffer.from(text, 'latin1');
  const decoded = bytes.toString('utf8');
  return decoded.includes('\ufffd') ? (decode('windows-1252', bytes) ?? text) : decoded;
}
