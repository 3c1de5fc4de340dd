import type { AccountId } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';

/** The copies of indexes that are being made, so that an account can be closed to them. */
export class IndexCopies {
  readonly #running = new Map<AccountId, Set<Promise<void>>>();
  readonly #forbidden = new Set<AccountId>();

  /** Runs a copying. @throws MailError `in-use` when the account is closed to copies; what the work throws */
  async of(account: AccountId, work: () => Promise<void>): Promise<void> {
    if (this.#forbidden.has(account)) throw new MailError('in-use', `account ${account} is being looked after`);
    const running = this.#running.get(account) ?? new Set();
    this.#running.set(account, running);
    const one = work();
    running.add(one);
    try {
      await one;
    } finally {
      running.delete(one);
      if (running.size === 0) this.#running.delete(account);
    }
  }

  /** Lets no copying begin, and resolves when none runs. @returns what lets them begin again */
  async forbid(account: AccountId): Promise<() => void> {
    this.#forbidden.add(account);
    await Promise.allSettled(this.#running.get(account) ?? []);
    return () => this.#forbidden.delete(account);
  }
}
