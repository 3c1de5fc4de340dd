import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Accounts } from './accounts.ts';
import type { EngineParts } from './engine-parts.ts';
import type { OpenAccount } from './open-account.ts';
import type { EngineSettings } from './settings.ts';
import { sweep, sweepUnreferenced } from './sweep.ts';
import { trim } from './trim.ts';

/** From time to time forgets what is no longer needed of the accounts that were opened, one account after the other. */
export class Upkeep {
  readonly #accounts: Accounts;
  readonly #log: EngineParts['log'];
  readonly #every: number;
  readonly #began: number;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param began when the engine was opened, in milliseconds since 1970 */
  constructor(accounts: Accounts, log: EngineParts['log'], { upkeepEvery }: EngineSettings, began: number) {
    this.#began = began;
    this.#accounts = accounts;
    this.#log = log;
    this.#every = upkeepEvery;
    this.#schedule();
  }

  /** Resolves when the account that is being looked after is done. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(): void {
    if (this.#every === 0 || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#lookAfterAll().finally(() => this.#schedule());
    }, this.#every);
    this.#timer.unref();
  }

  async #lookAfterAll(): Promise<void> {
    for (const id of await this.#accounts.due()) {
      if (this.#closed) return;
      await this.#lookAfter(id);
    }
  }

  async #lookAfter(id: AccountId): Promise<void> {
    try {
      await this.#accounts.using(id, account => lookAfter(account, this.#began));
    } catch (error) {
      const level = error instanceof MailError && error.kind === 'unavailable' ? 'warn' : 'error';
      this.#log[level]({ account: id, err: error }, 'an account could not be swept');
    }
  }
}

/** All that upkeep does for an account, and when it should come again. */
async function lookAfter(account: OpenAccount, began: number): Promise<void> {
  const { settings, now } = account;
  const time = now();
  account.dueAt = Number.POSITIVE_INFINITY;
  try {
    await trim(account);
    // Listing all blobs takes time by their number: only where there may be strays.
    if (account.straysAt <= time) {
      await sweep(account);
      // What a crash left just before this process began is too young to be told from a running append until then.
      const ripe = began + settings.longestAppend;
      account.straysAt = time < ripe ? ripe : Number.POSITIVE_INFINITY;
    } else await sweepUnreferenced(account);
    const waiting = await account.index.unreferenced(time + 1, 1);
    const grace = waiting.length > 0 ? time + settings.sweepGrace : Number.POSITIVE_INFINITY;
    account.dueAt = Math.min(account.dueAt, account.straysAt, grace);
  } catch (error) {
    account.dueAt = 0;
    throw error;
  }
}
