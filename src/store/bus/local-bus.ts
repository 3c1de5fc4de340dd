import type { AccountId, MailboxId } from '../../mail/ids.ts';
import type { Wake } from '../../mail/store.ts';
import type { Bus } from './bus.ts';
import { WakeQueue } from './wake-queue.ts';

interface Watcher {
  /** Undefined: every wake of the account. */
  readonly mailbox: MailboxId | undefined;
  readonly queue: WakeQueue;
}

/** The bus of one process. */
export function openLocalBus(): Bus {
  return new LocalBus();
}

class LocalBus implements Bus {
  readonly #watchers = new Map<AccountId, Set<Watcher>>();

  post(account: AccountId, wake: Wake): void {
    for (const { mailbox, queue } of this.#watchers.get(account) ?? []) {
      if (mailbox === undefined || mailbox === wake.mailbox) queue.push(wake);
    }
  }

  subscribe(account: AccountId, mailbox: MailboxId | undefined, signal: AbortSignal): AsyncIterable<Wake> {
    const watcher: Watcher = { mailbox, queue: new WakeQueue(signal, () => this.#leave(account, watcher)) };
    if (!watcher.queue.ended) {
      const watchers = this.#watchers.get(account) ?? new Set();
      watchers.add(watcher);
      this.#watchers.set(account, watchers);
    }
    return watcher.queue;
  }

  #leave(account: AccountId, watcher: Watcher): void {
    const watchers = this.#watchers.get(account);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(account);
  }
}
