import type { AccountId } from '../mail/ids.ts';
import type { Logger } from '../observe/log.ts';

/** How often the same damage is told. */
const AGAIN_MS = 60_000;

/** Tells the log of accounts whose index cannot be read, and what to do: clients that try again and again do not fill it. */
export class DamageTeller {
  readonly #log: Logger;
  readonly #told = new Map<AccountId, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(account: AccountId): void {
    const now = performance.now();
    const last = this.#told.get(account);
    if (last !== undefined && now - last < AGAIN_MS) return;
    this.#told.set(account, now);
    const mend = `postern repair --account ${account}`;
    this.#log.error(
      { account, mend },
      'the index of an account is damaged: its owner cannot read mail until it is repaired',
    );
  }
}
