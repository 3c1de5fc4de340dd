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
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(accounts: Accounts, log: EngineParts['log'], { upkeepEvery }: EngineSettings) {
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
      await this.#accounts.using(id, lookAfter);
    } catch (error) {
      const level = error instanceof MailError && error.kind === 'unavailable' ? 'warn' : 'error';
      this.#log[level]({ account: id, err: error }, 'an account could not be swept');
    }
  }
}

/** All that upkeep does for an account; what is left for the next time keeps it due. */
export async function lookAfter(account: OpenAccount): Promise<void> {
  account.due = false;
  try {
    await trim(account);
    // Listing all blobs takes time by their number: only where there may be strays.
    if (account.strayBlobs) await sweep(account);
    else await sweepUnreferenced(account);
    const waiting = await account.index.unreferenced(account.now() + 1, 1);
    if (waiting.length > 0) account.due = true;
  } catch (error) {
    account.due = true;
    throw error;
  }
}
