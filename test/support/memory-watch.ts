import type { MailboxId } from '../../src/mail/ids.ts';
import type { Wake } from '../../src/mail/store.ts';

/** Wakes to whoever watches; those that wait are joined into the newest of each mailbox. */
export class Watchers {
  readonly #listeners = new Set<(wake: Wake) => void>();

  post(wake: Wake): void {
    for (const listener of this.#listeners) listener(wake);
  }

  /** Subscribed when this returns. */
  watch(mailbox: MailboxId | undefined, signal: AbortSignal): AsyncIterable<Wake> {
    const waiting = new Map<MailboxId | undefined, Wake>();
    let ring = Promise.withResolvers<void>();
    const listener = (wake: Wake) => {
      if (mailbox !== undefined && wake.mailbox !== mailbox) return;
      waiting.delete(wake.mailbox);
      waiting.set(wake.mailbox, wake);
      ring.resolve();
    };
    const listeners = this.#listeners;
    const leave = () => {
      listeners.delete(listener);
      ring.resolve();
    };
    if (!signal.aborted) listeners.add(listener);
    signal.addEventListener('abort', leave, { once: true });
    async function* wakes(): AsyncGenerator<Wake> {
      try {
        while (!signal.aborted) {
          const [first] = waiting.values();
          if (first) {
            waiting.delete(first.mailbox);
            yield first;
          } else {
            await ring.promise;
            ring = Promise.withResolvers();
          }
        }
      } finally {
        leave();
      }
    }
    return wakes();
  }
}
