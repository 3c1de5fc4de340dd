/** Lets so many do something at once; the others wait in order of arrival. */
export class Turns {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  /** @throws what the work throws, or the signal's reason if it comes before the turn */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#waiting;
      // Handed over rather than freed, so that nobody overtakes.
      if (next) next();
      else this.#free += 1;
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(enter);
      reject(signal.reason);
    };
    const enter = () => {
      this.#waiting.delete(enter);
      signal.removeEventListener('abort', leave);
      resolve();
    };
    this.#waiting.add(enter);
    signal.addEventListener('abort', leave, { once: true });
    return promise;
  }
}
