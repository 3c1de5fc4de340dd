import { decodeWords } from '../../mime/encoded-word.ts';
import { decodeCharset, guess } from './charset.ts';
import { fold } from './fold.ts';

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const EQUALS = 61;
const QUESTION = 63;

/** Octets of ASCII letters in capitals. */
const UPPER = Uint8Array.from({ length: 256 }, (_, octet) => (octet >= 97 && octet <= 122 ? octet - 32 : octet));

/**
 * Asks of header blocks whether one of their fields of a name holds a text. Made once for many headers: names are looked for in the
 * octets (Horspool), and only a value that is folded, encoded or not ASCII becomes a string.
 */
export class FieldMatcher {
  /** LF and the name in capitals. */
  readonly #pattern: Uint8Array;
  /** How far a place can be moved on when this octet stands at its end. */
  readonly #skip: Uint8Array;
  readonly #needle: string;
  /** The needle's octets; undefined when it is not ASCII, and cannot be in what is. */
  readonly #octets: Uint8Array | undefined;

  /** @param text empty: whether there is such a field */
  constructor(field: string, text: string) {
    const name = octetsOf(field);
    this.#pattern = Uint8Array.of(LF, ...name);
    const { length } = this.#pattern;
    this.#skip = new Uint8Array(256).fill(Math.min(length, 255));
    for (let at = 0; at < length - 1; at += 1) {
      const octet = this.#pattern[at] ?? 0;
      const far = Math.min(length - 1 - at, 255);
      this.#skip[octet] = far;
      if (octet >= 65 && octet <= 90) this.#skip[octet + 32] = far;
    }
    this.#needle = fold(text);
    this.#octets = isAscii(this.#needle) ? Buffer.from(this.#needle, 'latin1') : undefined;
  }

  matches(header: Uint8Array): boolean {
    // The first line has no line end before it.
    for (let name = this.#nameAt(header, 0) ? 0 : this.#next(header, 0); name !== -1; ) {
      let at = name + this.#pattern.length - 1;
      while (header[at] === SPACE || header[at] === TAB) at += 1;
      if (header[at] === COLON && this.#valueHas(header, at + 1)) return true;
      name = this.#next(header, name);
    }
    return false;
  }

  /** Where the next line begins with the name, of the lines after the one at `from`. */
  #next(header: Uint8Array, from: number): number {
    const pattern = this.#pattern;
    const skip = this.#skip;
    const last = pattern.length - 1;
    const lastOctet = pattern[last];
    const end = header.length;
    for (let at = from + last; at < end; ) {
      const octet = header[at] ?? 0;
      if (UPPER[octet] === lastOctet && header[at - last] === LF && this.#nameAt(header, at - last + 1)) {
        return at - last + 1;
      }
      at += skip[octet] ?? 1;
    }
    return -1;
  }

  #nameAt(header: Uint8Array, start: number): boolean {
    const pattern = this.#pattern;
    for (let at = 1; at < pattern.length; at += 1) {
      if (UPPER[header[start + at - 1] ?? 0] !== pattern[at]) return false;
    }
    return true;
  }

  #valueHas(header: Uint8Array, colon: number): boolean {
    if (this.#needle === '') return true;
    const end = header.length;
    let start = colon;
    while (header[start] === SPACE || header[start] === TAB) start += 1;
    for (let at = start; at < end; at += 1) {
      const octet = header[at] ?? 0;
      if (octet >= 0x80 || (octet === EQUALS && header[at + 1] === QUESTION)) return this.#textHas(header, start);
      if (octet !== LF) continue;
      const after = header[at + 1];
      if (after === SPACE || after === TAB) return this.#textHas(header, start);
      return this.#octetsHave(header, start, header[at - 1] === CR ? at - 1 : at);
    }
    return this.#octetsHave(header, start, end);
  }

  #octetsHave(header: Uint8Array, start: number, end: number): boolean {
    const needle = this.#octets;
    if (!needle) return false;
    const { length } = needle;
    const first = needle[0];
    for (let at = start; at <= end - length; at += 1) {
      if (UPPER[header[at] ?? 0] !== first) continue;
      let same = 1;
      while (same < length && UPPER[header[at + same] ?? 0] === needle[same]) same += 1;
      if (same === length) return true;
    }
    return false;
  }

  #textHas(header: Uint8Array, start: number): boolean {
    return headerText(header, start, fieldEnd(header, start)).trimStart().includes(this.#needle);
  }
}

/**
 * Octets of a header, or of some of its fields, as they are compared: encoded words decoded (RFC 2047), folded to one case. Where a line
 * was folded there is one space, whatever white space stands there: some mailers fold with a tab in place of the space.
 */
export function headerText(header: Uint8Array, start = 0, end = header.length): string {
  const octets = Buffer.from(header.buffer, header.byteOffset + start, end - start);
  const text = octets.toString('latin1').replace(/\r?\n$/, '');
  const lines = text.includes('\n') ? text.replace(/[ \t\r\n]+/g, unfolded) : text;
  return fold(isPlain(lines) ? lines : lines.split('\n').map(decoded).join('\n'));
}

/** White space is one run at a time: with a line end in its middle, it is a fold. */
function unfolded(space: string): string {
  return space.includes('\n') && !space.endsWith('\n') ? ' ' : space;
}

function isPlain(text: string): boolean {
  return isAscii(text) && !text.includes('=?');
}

function decoded(text: string): string {
  return isPlain(text) ? text : decodeWords(text, (charset, bytes) => decodeCharset(charset, bytes) ?? guess(bytes));
}

/** Where the field ends that this octet is in: after its last line. */
function fieldEnd(header: Uint8Array, from: number): number {
  for (let lf = header.indexOf(LF, from); lf !== -1; lf = header.indexOf(LF, lf + 1)) {
    const after = header[lf + 1];
    if (after !== SPACE && after !== TAB) return lf + 1;
  }
  return header.length;
}

function octetsOf(field: string): Buffer {
  return Buffer.from(field.toUpperCase(), 'utf8');
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
