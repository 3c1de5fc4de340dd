/** Characters in a piece: large enough for few writes, small enough to be no burden on many connections. */
const PIECE = 32 * 1024;

/** Response lines, put together into pieces of a bounded size. */
export class Lines {
  readonly #pieces: string[] = [];
  #piece = '';

  add(line: string): void {
    this.#piece += line;
    if (this.#piece.length < PIECE) return;
    this.#pieces.push(this.#piece);
    this.#piece = '';
  }

  pieces(): readonly string[] {
    return this.#piece === '' ? this.#pieces : [...this.#pieces, this.#piece];
  }
}
