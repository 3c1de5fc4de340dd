/** While a directory is silent, so often it is asked about those who could be let in without it. */
const PROBE_EVERY_MS = 1000;
/** Once it answers again: so many a second, for so long. */
const REBINDS_PER_SECOND = 50;
const RECOVERY_MS = 30_000;

interface Trouble {
  /** When it answered again; undefined while it is silent. */
  answeredAt: number | undefined;
  /** No question about somebody who can do without before this time. */
  nextAt: number;
}

/**
 * Spares a directory that fell silent: of those who may be let in by what was proven before, one a second asks it, and the others do not
 * wait for a time-out; once it answers again, fifty a second ask for half a minute, so that not everybody comes at once to what has
 * just been started. Times in milliseconds of the given clock.
 */
export class Recovery {
  readonly #now: () => number;
  readonly #troubles = new Map<string, Trouble>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether any directory is, or was just now, in trouble. */
  get isUnderWay(): boolean {
    return this.#troubles.size > 0;
  }

  silent(directory: string): void {
    this.#troubles.set(directory, { answeredAt: undefined, nextAt: this.#now() + PROBE_EVERY_MS });
  }

  answered(directory: string): void {
    const trouble = this.#troubles.get(directory);
    if (trouble && trouble.answeredAt === undefined) {
      trouble.answeredAt = this.#now();
      trouble.nextAt = this.#now();
    }
  }

  /** Whether somebody who could be let in without the directory is to ask it all the same; takes the turn. */
  mayAsk(directory: string): boolean {
    const trouble = this.#troubles.get(directory);
    if (!trouble) return true;
    const now = this.#now();
    const { answeredAt, nextAt } = trouble;
    if (answeredAt !== undefined && now - answeredAt >= RECOVERY_MS) {
      this.#troubles.delete(directory);
      return true;
    }
    if (now < nextAt) return false;
    trouble.nextAt =
      answeredAt === undefined ? now + PROBE_EVERY_MS : Math.max(nextAt, now - 1000) + 1000 / REBINDS_PER_SECOND;
    return true;
  }
}
