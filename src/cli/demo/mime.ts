/** A MIME entity: header lines without line ends, and a body in which lines end with CRLF. */
export interface Entity {
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export type Charset = 'utf-8' | 'iso-8859-1' | 'us-ascii';

/** Text as a leaf, encoded as its characters ask for. */
export function textPart(
  text: string,
  { subtype = 'plain', charset = 'utf-8' }: { subtype?: string; charset?: Charset } = {},
): Entity {
  const content = text.replace(/\r?\n/g, '\r\n');
  const bytes = Buffer.from(content, charset === 'utf-8' ? 'utf8' : 'latin1');
  const plain = bytes.every(byte => byte < 0x80) && content.split('\r\n').every(line => line.length <= 78);
  const type = `Content-Type: text/${subtype}; charset=${plain ? 'us-ascii' : charset}`;
  if (plain) return { headers: [type, 'Content-Transfer-Encoding: 7bit'], body: bytes };
  // Mostly beyond ASCII: base64 is shorter, and what mailers choose.
  const dense = bytes.filter(byte => byte >= 0x80).length > bytes.length / 3;
  return dense
    ? { headers: [type, 'Content-Transfer-Encoding: base64'], body: base64Lines(bytes) }
    : { headers: [type, 'Content-Transfer-Encoding: quoted-printable'], body: quotedPrintable(bytes) };
}

/** A file sent along, by its name in any script (RFC 2231 §4). */
export function attachment(name: string, type: string, bytes: Buffer): Entity {
  const ascii = /^[\x20-\x7e]*$/.test(name);
  const filename = ascii ? `filename="${name}"` : `filename*=utf-8''${encodeURIComponent(name)}`;
  return {
    headers: [
      `Content-Type: ${type}`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment;\r\n ${filename}`,
    ],
    body: base64Lines(bytes),
  };
}

/** Another message, whole, within this one. */
export function forwarded(message: Buffer): Entity {
  return { headers: ['Content-Type: message/rfc822', 'Content-Disposition: inline'], body: message };
}

/** @param boundary occurs in none of the parts */
export function multipart(subtype: string, boundary: string, parts: readonly Entity[]): Entity {
  const body = parts.flatMap(part => [
    Buffer.from(`--${boundary}\r\n${part.headers.join('\r\n')}\r\n\r\n`),
    part.body,
    Buffer.from('\r\n'),
  ]);
  return {
    headers: [`Content-Type: multipart/${subtype};\r\n boundary="${boundary}"`],
    body: Buffer.concat([...body, Buffer.from(`--${boundary}--\r\n`)]),
  };
}

/** A whole message. @param fields header fields with their values, in order, encoded and folded here */
export function message(fields: readonly (readonly [name: string, value: string])[], content: Entity): Buffer {
  const lines = [
    ...fields.map(([name, value]) => `${name}: ${headerText(value, name.length + 2)}`),
    'MIME-Version: 1.0',
    ...content.headers,
  ];
  const end = content.body.subarray(-2).toString('latin1') === '\r\n' ? '' : '\r\n';
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content.body, Buffer.from(end)]);
}

/** An address with its display name, encoded where it must be. */
export function mailbox(name: string, address: string): string {
  if (/^[A-Za-z0-9 ]+$/.test(name)) return `${name} <${address}>`;
  return `${/^[\x20-\x7e]*$/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodedWords(name)} <${address}>`;
}

/** RFC 5322 §2.2.3: folded at spaces to lines of 78; what is not ASCII in encoded words. */
function headerText(value: string, indent: number): string {
  const words = (/^[\x20-\x7e\r\n]*$/.test(value) ? value : encodedWords(value)).split(/\s+/);
  let line = indent;
  return words
    .map((word, index) => {
      const fold = index > 0 && line + word.length + 1 > 78;
      line = fold ? word.length + 1 : line + word.length + 1;
      return index === 0 ? word : `${fold ? '\r\n' : ''} ${word}`;
    })
    .join('');
}

/** RFC 2047 §2: words of at most 75 characters, each of whole characters. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let piece = '';
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 42) {
      words.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...words, piece].map(word => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join(' ');
}

function base64Lines(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('base64').replace(/.{76}/g, '$&\r\n'));
}

/** RFC 2045 §6.7, of bytes whose lines end with CRLF. */
function quotedPrintable(bytes: Buffer): Buffer {
  const lines = bytes.toString('latin1').split('\r\n').map(quotedLine);
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** One line, as several of at most 76 characters: the break's own "=" is one of them. */
function quotedLine(line: string): string {
  let quoted = '';
  let column = 0;
  for (const [index, character] of [...line].entries()) {
    const spaceAtEnd = character === ' ' && index === line.length - 1;
    const encoded = /[\x20-\x3c\x3e-\x7e]/.test(character) && !spaceAtEnd ? character : escapeByte(character);
    if (column + encoded.length > 75) {
      quoted += '=\r\n';
      column = 0;
    }
    quoted += encoded;
    column += encoded.length;
  }
  return quoted;
}

function escapeByte(character: string): string {
  return `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
