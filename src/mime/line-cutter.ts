const LF = 10;

/**
 * Cuts chunks into lines, whatever the chunks are. A line that lies within one chunk is given in place; one that is split is put
 * together, of which at most `room()` bytes are kept.
 */
export class LineCutter {
  readonly #line: (bytes: Buffer, start: number, end: number, length: number, last: number) => void;
  readonly #room: () => number;
  #held = Buffer.allocUnsafe(256);
  #heldLength = 0;
  /** Bytes of the line so far, whether kept or not. */
  #length = 0;
  /** The byte before this chunk. */
  #last = -1;

  /**
   * @param line bytes[start, end) is the line with its line end, cut if it was split and long; `length` is how long it really is;
   *   `last` is the byte before the line feed, or -1
   * @param room how many bytes of the line that is being put together may still matter
   */
  constructor(
    line: (bytes: Buffer, start: number, end: number, length: number, last: number) => void,
    room: () => number,
  ) {
    this.#line = line;
    this.#room = room;
  }

  push(chunk: Buffer): void {
    let start = 0;
    const { length } = chunk;
    if (this.#length > 0) {
      const lf = chunk.indexOf(LF);
      start = lf === -1 ? length : lf + 1;
      this.#hold(chunk, 0, start);
      if (lf === -1) {
        if (length > 0) this.#last = chunk[length - 1] ?? -1;
        return;
      }
      this.#emit(lf > 0 ? (chunk[lf - 1] ?? -1) : this.#last);
    }
    for (let lf = chunk.indexOf(LF, start); lf !== -1; lf = chunk.indexOf(LF, start)) {
      this.#line(chunk, start, lf + 1, lf + 1 - start, lf > start ? (chunk[lf - 1] ?? -1) : -1);
      start = lf + 1;
    }
    if (start < length) {
      this.#hold(chunk, start, length);
      this.#last = chunk[length - 1] ?? -1;
    }
  }

  /** Gives what is left, a last line without a line end. */
  end(): void {
    if (this.#length > 0) this.#emit(-1);
  }

  #emit(last: number): void {
    const [length, held] = [this.#length, this.#heldLength];
    this.#length = 0;
    this.#heldLength = 0;
    this.#line(this.#held, 0, held, length, last);
    // A single huge line must not keep its memory.
    if (this.#held.length > 64 * 1024) this.#held = Buffer.allocUnsafe(256);
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    this.#length += end - start;
    const count = Math.min(end - start, this.#room() - this.#heldLength);
    if (count <= 0) return;
    const needed = this.#heldLength + count;
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#held.length * 2));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldLength, start, start + count);
    this.#heldLength = needed;
  }
}
