const FIRST = 4096;
const END = Buffer.from('\n\r\n');

/** Copies the beginning of a message, until its header must be over or is too long to be kept. Lines end in CRLF. */
export class HeaderKeeper {
  readonly #most: number;
  #octets = Buffer.alloc(0);
  #length = 0;
  #full = false;

  constructor(most: number) {
    this.#most = most;
  }

  push(chunk: Uint8Array): void {
    if (this.#full) return;
    const taken = Math.min(chunk.length, this.#most - this.#length);
    this.#room(this.#length + taken);
    this.#octets.set(chunk.subarray(0, taken), this.#length);
    // The empty line may have begun in the chunk before.
    const from = Math.max(0, this.#length - END.length + 1);
    this.#length += taken;
    const held = this.#octets.subarray(0, this.#length);
    this.#full = this.#length === this.#most || held.indexOf(END, from) !== -1 || startsEmpty(held);
  }

  /** The header, when it was not too long. @param length octets that it has, as the parser knows */
  take(length: number): Uint8Array | undefined {
    return length <= this.#length ? Buffer.from(this.#octets.subarray(0, length)) : undefined;
  }

  #room(needed: number): void {
    if (needed <= this.#octets.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.#most, Math.max(needed, 2 * this.#octets.length, FIRST)));
    this.#octets.copy(larger, 0, 0, this.#length);
    this.#octets = larger;
  }
}

function startsEmpty(octets: Buffer): boolean {
  return octets[0] === 13 && octets[1] === 10;
}
