/** Milliseconds that one session may have the event loop for itself. */
const TURN_MS = 10;

/**
 * Keeps long work from holding up everybody else: what a fast client reads at once is written without ever waiting for anything, so
 * that nobody else would have a turn.
 */
export class Pace {
  #since = performance.now();

  get isDue(): boolean {
    return performance.now() - this.#since > TURN_MS;
  }

  /** Lets everybody else have a turn. */
  async rest(): Promise<void> {
    await new Promise<void>(resolve => {
      setImmediate(resolve);
    });
    this.#since = performance.now();
  }
}
