import { MalformedMessage } from './frames.ts';

export const TAG = { integer: 0x02, octets: 0x04, enumerated: 0x0a, boolean: 0x01, sequence: 0x30, set: 0x31 } as const;

/**
 * Reads BER (X.690, as restricted by RFC 4511 §5.1) and never beyond the element it stands in: whatever lengths a server claims,
 * every step moves forward or throws. (The reader of ldapts 9.2 answers null without moving where an inner length lies, so
 * that its loops over attributes, controls and bind data never end.)
 */
export class BerCursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, at = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Tag of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#at];
  }

  /** Moves past a constructed element and returns a cursor over what is in it. @throws MalformedMessage */
  enter(tag: number | undefined): BerCursor {
    const end = this.#header(tag);
    const inner = new BerCursor(this.#bytes, this.#at, end);
    this.#at = end;
    return inner;
  }

  /** Content of a primitive element: a view into the message. @throws MalformedMessage */
  octets(tag: number = TAG.octets): Buffer {
    const end = this.#header(tag);
    const content = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return content;
  }

  text(tag: number = TAG.octets): string {
    return this.octets(tag).toString('utf8');
  }

  /** @throws MalformedMessage also beyond 32 bits, which nothing in LDAP needs */
  integer(tag: number = TAG.integer): number {
    const content = this.octets(tag);
    if (content.length < 1 || content.length > 4) throw new MalformedMessage(`an integer has ${content.length} bytes`);
    return content.readIntBE(0, content.length);
  }

  skip(): void {
    this.#at = this.#header(undefined);
  }

  /** Moves onto the content and returns where it ends. */
  #header(expected: number | undefined): number {
    const tag = this.#byte();
    if (expected !== undefined && tag !== expected) {
      throw new MalformedMessage(`tag 0x${tag.toString(16)} where 0x${expected.toString(16)} belongs`);
    }
    let length = this.#byte();
    if (length >= 0x80) {
      const more = length & 0x7f;
      if (more === 0 || more > 4 || this.#at + more > this.#end) throw new MalformedMessage('an element has no length');
      length = this.#bytes.readUIntBE(this.#at, more);
      this.#at += more;
    }
    const end = this.#at + length;
    if (end > this.#end) throw new MalformedMessage('an element is longer than what it is in');
    return end;
  }

  #byte(): number {
    const byte = this.done ? undefined : this.#bytes[this.#at];
    if (byte === undefined) throw new MalformedMessage('an element is missing');
    this.#at += 1;
    return byte;
  }
}
