import type { MailboxId, ModSeq } from '../../mail/ids.ts';
import type { Wake } from '../../mail/store.ts';

const END = { done: true, value: undefined } as const;

/**
 * The wakes that wait for one watcher: for each mailbox the newest, so that a watcher that is slow costs no more than the mailboxes
 * it watches. For one reader; what it has not taken when it ends is dropped.
 */
export class WakeQueue implements AsyncIterableIterator<Wake, undefined> {
  readonly #waiting = new Map<MailboxId | undefined, ModSeq>();
  readonly #signal: AbortSignal;
  readonly #onEnd: () => void;
  #reader: ((result: IteratorResult<Wake, undefined>) => void) | undefined;
  #ended = false;

  /** @param onEnd called once, when the signal or the reader ends it */
  constructor(signal: AbortSignal, onEnd: () => void) {
    this.#signal = signal;
    this.#onEnd = onEnd;
    if (signal.aborted) this.#ended = true;
    else signal.addEventListener('abort', this.#end, { once: true });
  }

  get ended(): boolean {
    return this.#ended;
  }

  push({ mailbox, at }: Wake): void {
    if (this.#ended) return;
    const reader = this.#reader;
    if (reader) {
      this.#reader = undefined;
      reader({ done: false, value: { mailbox, at } });
      return;
    }
    const before = this.#waiting.get(mailbox);
    if (before === undefined || before < at) this.#waiting.set(mailbox, at);
  }

  next(): Promise<IteratorResult<Wake, undefined>> {
    if (this.#ended) return Promise.resolve(END);
    for (const [mailbox, at] of this.#waiting) {
      this.#waiting.delete(mailbox);
      return Promise.resolve({ done: false, value: { mailbox, at } });
    }
    if (this.#reader) return Promise.reject(new Error('wakes have one reader'));
    return new Promise(resolve => {
      this.#reader = resolve;
    });
  }

  async return(): Promise<IteratorResult<Wake, undefined>> {
    this.#end();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #end = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting.clear();
    this.#signal.removeEventListener('abort', this.#end);
    this.#reader?.(END);
    this.#reader = undefined;
    this.#onEnd();
  };
}
