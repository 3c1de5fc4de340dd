import type { Meter } from './limits.ts';

export interface Delimiter<Owner> {
  readonly owner: Owner;
  /** "--" follows: the multipart ends here. */
  readonly closes: boolean;
}

interface Open<Owner> {
  readonly boundary: string;
  readonly owner: Owner;
}

const DASH = 45;

/**
 * The boundaries of the multiparts that are open, innermost last. A line that begins with one is its delimiter whatever follows
 * (RFC 2046 §5.1.1); of several that fit the longest counts, of equal ones the innermost. The work for a line depends on how many
 * different lengths are open, not on how many boundaries.
 */
export class Boundaries<Owner> {
  #open: Open<Owner>[] = [];
  readonly #innermost = new Map<string, Open<Owner>[]>();
  #lengths: number[] = [];
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  /** Whose boundary is the innermost. */
  get owner(): Owner | undefined {
    return this.#open.at(-1)?.owner;
  }

  push(boundary: string, owner: Owner): void {
    const open = { boundary, owner };
    this.#open.push(open);
    const equal = this.#innermost.get(boundary);
    if (equal) equal.push(open);
    else this.#innermost.set(boundary, [open]);
    this.#measure();
  }

  /** Forgets those that were opened after this owner's, and its own too if it `closes`. */
  closeTo({ owner, closes }: Delimiter<Owner>): void {
    while (this.#open.length > 0 && this.owner !== owner) this.#pop();
    if (closes) this.#pop();
    this.#measure();
  }

  /** What the line at `start` (up to `end`, any line end included) delimits. */
  match(bytes: Buffer, start: number, end: number): Delimiter<Owner> | undefined {
    if (bytes[start] !== DASH || bytes[start + 1] !== DASH || end - start < 2) return undefined;
    const from = start + 2;
    for (const length of this.#lengths) {
      this.#meter.steps += 1;
      if (from + length > end) continue;
      const open = this.#innermost.get(bytes.toString('latin1', from, from + length))?.at(-1);
      if (!open) continue;
      const after = from + length;
      return { owner: open.owner, closes: after + 2 <= end && bytes[after] === DASH && bytes[after + 1] === DASH };
    }
    return undefined;
  }

  #pop(): void {
    const last = this.#open.pop();
    if (!last) return;
    const equal = this.#innermost.get(last.boundary);
    equal?.pop();
    if (equal?.length === 0) this.#innermost.delete(last.boundary);
  }

  #measure(): void {
    this.#lengths = [...new Set([...this.#innermost.keys()].map(({ length }) => length))].sort((a, b) => b - a);
  }
}
