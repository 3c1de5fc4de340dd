/** A full buffer goes out: large enough for few writes, small enough to be no burden on many connections. */
export const FLUSH_AT = 64 * 1024;
const SMALLEST = 2 * 1024;
/** Shorter texts are faster copied here than by the runtime. */
const SHORT = 40;
const ZERO = 48;

/**
 * Responses as they are written, many in a piece. Text is latin1, a character for each byte. What `take` gave away belongs to the
 * taker: a socket reads it until it is sent.
 */
export class ResponseBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** What the next buffer begins with: a command that has filled one will fill another. */
  #size = SMALLEST;

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#length >= FLUSH_AT;
  }

  text(text: string): void {
    const { length } = text;
    const at = this.#reserve(length);
    const bytes = this.#bytes;
    if (length > SHORT) bytes.write(text, at, length, 'latin1');
    else for (let index = 0; index < length; index += 1) bytes[at + index] = text.charCodeAt(index);
  }

  /** @param value a whole number, not negative */
  number(value: number): void {
    if (value > 999_999_999) {
      this.text(String(value));
      return;
    }
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.trunc(rest / 10)) digits += 1;
    const at = this.#reserve(digits);
    let rest = value;
    for (let index = at + digits - 1; index >= at; index -= 1) {
      const tens = Math.trunc(rest / 10);
      this.#bytes[index] = ZERO + rest - tens * 10;
      rest = tens;
    }
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Octets of a literal; those that it cannot hold are replaced: see `withoutNul`. */
  octets(bytes: Uint8Array): void {
    const at = this.#length;
    this.bytes(bytes);
    withoutNul(this.#bytes.subarray(at, this.#length));
  }

  /** A literal, its head included. */
  literal(bytes: Uint8Array): void {
    this.text('{');
    this.number(bytes.length);
    this.text('}\r\n');
    this.octets(bytes);
  }

  /** Forgets what was written after there were `length` octets. */
  rewind(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#size = Math.max(SMALLEST, Math.min(this.#length, FLUSH_AT));
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return taken;
  }

  /** Makes room and counts it; returns where it begins. */
  #reserve(size: number): number {
    const at = this.#length;
    this.#length = at + size;
    if (this.#length > this.#bytes.length) this.#grow(at);
    return at;
  }

  #grow(used: number): void {
    // A quarter over the mark: the response that fills it needs room, too.
    const size = Math.max(this.#length, this.#bytes.length * 2, this.#size + this.#size / 4);
    const grown = Buffer.allocUnsafeSlow(size);
    grown.set(this.#bytes.subarray(0, used));
    this.#bytes = grown;
  }
}

/**
 * CHAR8 has no NUL (RFC 9051 §9), and messages have: 0x80 takes its place, as with Dovecot, so that sizes stay true. Changes the
 * bytes it is given.
 */
export function withoutNul(bytes: Uint8Array): Uint8Array {
  for (let at = bytes.indexOf(0); at !== -1; at = bytes.indexOf(0, at + 1)) bytes[at] = 0x80;
  return bytes;
}
