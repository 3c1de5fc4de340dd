const LOW = 128;
/** Octets of the longest number that is safe: 53 bits by seven, and one for the sign. */
const LONGEST = 8;

/** Numbers of few octets each, seven bits to an octet, the low ones first. */
export class VarintWriter {
  #octets = Buffer.allocUnsafe(64);
  #length = 0;

  octet(value: number): void {
    this.#room(1);
    this.#octets[this.#length] = value;
    this.#length += 1;
  }

  /** @param value a whole number from 0 to 2^53 - 1 */
  unsigned(value: number): void {
    let rest = value;
    for (; rest >= LOW; rest = Math.floor(rest / LOW)) this.octet((rest % LOW) + LOW);
    this.octet(rest);
  }

  /** @param value a whole number of at most 52 bits, small ones short whatever their sign */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** @param text characters up to U+00FF */
  text(text: string): void {
    this.unsigned(text.length);
    this.#room(text.length);
    this.#length += this.#octets.write(text, this.#length, 'latin1');
  }

  finish(): Buffer {
    return Buffer.from(this.#octets.subarray(0, this.#length));
  }

  #room(octets: number): void {
    const needed = this.#length + octets;
    if (needed <= this.#octets.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#octets.length));
    this.#octets.copy(larger, 0, 0, this.#length);
    this.#octets = larger;
  }
}

/** Reads what `VarintWriter` wrote. Everything throws a RangeError where the octets end early or make no sense. */
export class VarintReader {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  octet(): number {
    const value = this.#octets[this.#at];
    if (value === undefined) throw new RangeError('it ends early');
    this.#at += 1;
    return value;
  }

  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (let octets = 0; octets < LONGEST; octets += 1) {
      const octet = this.octet();
      value += (octet % LOW) * scale;
      if (octet < LOW && Number.isSafeInteger(value)) return value;
      scale *= LOW;
    }
    throw new RangeError('a number that is too long');
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  text(most: number): string {
    const length = this.unsigned();
    if (length > most || this.#at + length > this.#octets.length) throw new RangeError('a text that is too long');
    this.#at += length;
    return this.#octets.toString('latin1', this.#at - length, this.#at);
  }

  end(): void {
    if (this.#at !== this.#octets.length) throw new RangeError('more than was expected');
  }
}
