import type { MailboxId, ModSeq } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Wake } from '../../mail/store.ts';
import type { AccountIndex } from '../index/index-port.ts';

type LookedAt = Pick<AccountIndex, 'snapshot' | 'mailboxes' | 'mailboxChanges'>;

/**
 * Looks every few seconds whether what is watched has moved on, for changes of which no wake came: the watchers of a mailbox share
 * one look. Runs only while somebody watches.
 */
export class Looker {
  readonly #index: LookedAt;
  readonly #every: number;
  readonly #wake: (wake: Wake) => void;
  /** How many watch each; undefined: the account. */
  readonly #watchers = new Map<MailboxId | undefined, number>();
  /** Where each was seen last. */
  readonly #seen = new Map<MailboxId | undefined, ModSeq>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param every milliseconds; 0: never */
  constructor(index: LookedAt, every: number, wake: (wake: Wake) => void) {
    this.#index = index;
    this.#every = every;
    this.#wake = wake;
  }

  watch(mailbox: MailboxId | undefined, until: AbortSignal): void {
    if (this.#every === 0 || until.aborted) return;
    this.#watchers.set(mailbox, (this.#watchers.get(mailbox) ?? 0) + 1);
    // What this watcher has pulled is not known here: the first look wakes it, and brings it what it may have missed.
    this.#seen.delete(mailbox);
    until.addEventListener('abort', () => this.#leave(mailbox), { once: true });
    this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #leave(mailbox: MailboxId | undefined): void {
    const left = (this.#watchers.get(mailbox) ?? 1) - 1;
    if (left > 0) this.#watchers.set(mailbox, left);
    else {
      this.#watchers.delete(mailbox);
      this.#seen.delete(mailbox);
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed || this.#watchers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        this.#timer = undefined;
        this.#schedule();
      });
    }, this.#every);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    for (const mailbox of this.#watchers.keys()) {
      try {
        if (mailbox === undefined) await this.#lookAtAccount();
        else this.#saw(mailbox, (await this.#index.snapshot(mailbox, false)).at);
      } catch (error) {
        // It will be told when it pulls. Anything else will be told by whoever needs the index next.
        if (mailbox !== undefined && error instanceof MailError && error.kind === 'gone') this.#saw(mailbox, LAST);
      }
    }
  }

  async #lookAtAccount(): Promise<void> {
    const { at } = await this.#index.mailboxChanges(this.#seen.get(undefined) ?? FIRST, 1);
    this.#saw(undefined, at);
    for (const { id } of await this.#index.mailboxes()) {
      if (id !== undefined) this.#saw(id, (await this.#index.snapshot(id, false)).at);
    }
  }

  #saw(mailbox: MailboxId | undefined, at: ModSeq): void {
    if (this.#seen.get(mailbox) === at) return;
    this.#seen.set(mailbox, at);
    this.#wake({ mailbox, at });
  }
}

const FIRST = 0 as ModSeq;
const LAST = Number.MAX_SAFE_INTEGER as ModSeq;
