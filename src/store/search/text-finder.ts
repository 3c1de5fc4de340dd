/** Looks for several texts in one that comes in pieces, over their borders too. All is in the form that `fold` gives. */
export class TextFinder {
  readonly #needles: readonly string[];
  readonly #longest: number;
  /** The end of what came before: nothing that fits in it was found there. */
  #tail = '';

  constructor(needles: readonly string[]) {
    this.#needles = needles;
    this.#longest = Math.max(0, ...needles.map(({ length }) => length));
  }

  /**
   * @param wanted which needles, by their places, are still looked for
   * @param isLast nothing follows
   * @param found is told of each that is in it, once for a piece
   */
  push(piece: string, isLast: boolean, wanted: (needle: number) => boolean, found: (needle: number) => void): void {
    const text = this.#tail === '' ? piece : this.#tail + piece;
    for (const [place, needle] of this.#needles.entries()) {
      if (wanted(place) && text.includes(needle)) found(place);
    }
    this.#tail = isLast || this.#longest < 2 ? '' : text.slice(1 - this.#longest);
  }
}
