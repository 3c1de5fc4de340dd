import iconv from 'iconv-lite';

/** Decodes octets that come in pieces; a character may be split over them. */
export interface CharsetDecoder {
  write(bytes: Buffer): string;
  /** What is left: a character that was cut off. */
  end(): string;
}

/** Names that senders use, and what they mean by them; the rest iconv-lite and the Encoding Standard know. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['unicode-1-1-utf-8', 'utf-8'],
  ['unicode-2-0-utf-8', 'utf-8'],
  ['utf8mb4', 'utf-8'],
  ['unicode-1-1-utf-7', 'utf-7'],
  ['x-mac-roman', 'macintosh'],
  ['cp-850', 'cp850'],
  ['iso-10646-ucs-2', 'utf-16be'],
  // Outlook's and others' names for Shift_JIS with its vendors' characters.
  ['shift-jis', 'shift_jis'],
  ['x-ms-cp932', 'cp932'],
  // RFC 1556: left-to-right or not, the characters are the same.
  ['iso-8859-8-i', 'iso-8859-8'],
  ['iso-8859-8-e', 'iso-8859-8'],
  ['iso-8859-6-i', 'iso-8859-6'],
  ['iso-8859-6-e', 'iso-8859-6'],
]);

/** 7 bits, or said of what has no known charset: where there are more bits, they are guessed. */
const GUESSED: ReadonlySet<string> = new Set([
  '',
  'us-ascii',
  'ascii',
  'us',
  'ansi_x3.4-1968',
  'ansi_x3.4-1986',
  'iso646-us',
  'iso_646.irv:1991',
  'unknown-8bit',
  'x-unknown',
  'unknown',
  '8bit',
  '7bit',
]);
const UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8']);
/** Encodings of octets that iconv-lite has under the same roof. */
const NOT_CHARSETS: ReadonlySet<string> = new Set(['base64', 'hex', 'binary', 'internal']);

/**
 * Octets in a charset as text; undefined when the charset is not known. What is broken in them becomes U+FFFD. Known are all of
 * iconv-lite, and ISO-2022-JP. US-ASCII with 8-bit octets is UTF-8 where it is that, else windows-1252.
 */
export function decodeCharset(charset: string, bytes: Uint8Array): string | undefined {
  const name = nameOf(charset);
  const octets = asBuffer(bytes);
  if (UTF_8.has(name)) return octets.toString('utf8');
  if (GUESSED.has(name)) return guess(octets);
  if (isKnownToIconv(name)) return iconv.decode(octets, name);
  return standardDecoder(name)?.decode(octets);
}

/** For octets in pieces. A charset that is not known is guessed from the first octets beyond ASCII. */
export function openDecoder(charset: string): CharsetDecoder {
  const name = nameOf(charset);
  if (UTF_8.has(name)) return streaming(new TextDecoder());
  if (GUESSED.has(name)) return new GuessingDecoder();
  if (isKnownToIconv(name)) {
    const decoder = iconv.getDecoder(name);
    // It keeps the first octets of UTF-16, and whose they are is not known.
    return { write: bytes => decoder.write(Buffer.from(bytes)), end: () => decoder.end() ?? '' };
  }
  const standard = standardDecoder(name);
  return standard ? streaming(standard) : new GuessingDecoder();
}

/** Text in no charset that is known: UTF-8 where it is that (RFC 6532), else windows-1252. */
export function guess(octets: Buffer): string {
  const text = octets.toString('utf8');
  return text.includes('\ufffd') ? iconv.decode(octets, 'windows-1252') : text;
}

/** UTF-8 as long as it is that; from the first piece on that is not, windows-1252. */
class GuessingDecoder implements CharsetDecoder {
  #utf8: TextDecoder | undefined = new TextDecoder('utf-8', { fatal: true });
  /** Octets of a character that the last piece ended in. */
  #open: Buffer = Buffer.alloc(0);

  write(bytes: Buffer): string {
    const octets = this.#open.length > 0 ? Buffer.concat([this.#open, bytes]) : bytes;
    if (!this.#utf8) return iconv.decode(octets, 'windows-1252');
    const whole = octets.length - openOctets(octets);
    try {
      const text = this.#utf8.decode(octets.subarray(0, whole));
      this.#open = Buffer.from(octets.subarray(whole));
      return text;
    } catch {
      this.#utf8 = undefined;
      this.#open = Buffer.alloc(0);
      return iconv.decode(octets, 'windows-1252');
    }
  }

  end(): string {
    return iconv.decode(this.#open, 'windows-1252');
  }
}

/** How many octets at the end are the beginning of a character in UTF-8. */
function openOctets(octets: Buffer): number {
  for (let back = 1; back <= 3 && back <= octets.length; back += 1) {
    const octet = octets[octets.length - back] ?? 0;
    if (octet < 0x80) return 0;
    if (octet >= 0xc0) return (octet >= 0xf0 ? 4 : octet >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

function streaming(decoder: TextDecoder): CharsetDecoder {
  return { write: bytes => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}

/** What the Encoding Standard knows beyond iconv-lite. */
function standardDecoder(name: string): TextDecoder | undefined {
  try {
    return new TextDecoder(name);
  } catch {
    return undefined;
  }
}

function isKnownToIconv(name: string): boolean {
  // It passes over all other characters, too.
  return !NOT_CHARSETS.has(name.replace(/[^a-z0-9]/g, '')) && iconv.encodingExists(name);
}

function nameOf(charset: string): string {
  const lower = charset.trim().toLowerCase();
  return ALIASES.get(lower) ?? lower;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
