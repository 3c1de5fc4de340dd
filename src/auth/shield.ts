import type { ShieldConfig } from '../config/schema.ts';
import { AuthError } from './directory.ts';
import type { Verdict } from './directory-chain.ts';
import type { IdentityStore } from './identity-store.ts';

/** One password of one login, on its way to the directories. */
export interface ShieldedTry {
  /** Normalised. */
  readonly login: string;
  readonly password: string;
  /** `home`: this login was proven from this address before; `proven`: this very password was, lately. */
  readonly trust: 'none' | 'home' | 'proven';
}

/**
 * Keeps wrong passwords away from directories that lock accounts for them.
 *
 * - A pair of login and password that a directory refused is refused here for `remember`, whatever tries it again and however often.
 *   Only that pair: a changed password is another one. Once the time is over the directory is asked again, since the password may have
 *   become the right one.
 * - With a `budget`, so many different wrong passwords of a login go to the directory and no more, until `within` has passed since the
 *   last of them: that is how directories count (Active Directory's observation window, slapd's `pwdFailureCountInterval` at its
 *   strictest). Beyond it nobody can tell a right password from a guess without asking, so it, too, is refused. For that, one try of
 *   three or more is kept for places where the login was proven before: strangers cannot use it up. A password that was proven lately costs nothing. A login that succeeds sets the
 *   budget back, as it does in the directory.
 *
 * Keeps keyed hashes, no passwords. Times in milliseconds since the epoch: it outlives the process.
 */
export class Shield {
  readonly #store: IdentityStore;
  readonly #config: ShieldConfig;
  readonly #now: () => number;

  constructor(store: IdentityStore, config: ShieldConfig, now: () => number = Date.now) {
    this.#store = store;
    this.#config = config;
    this.#now = now;
  }

  /** @param ask asks the directories; not called when what it would cost is not to be had */
  async guard(attempt: ShieldedTry, ask: () => Promise<Verdict>): Promise<Verdict> {
    const { remember } = this.#config;
    if (remember === 0) return await ask();
    // Every way to write a name in capitals is the same account to a directory.
    const login = attempt.login.toLowerCase();
    const pair = this.#store.mark('pair', login, attempt.password);
    if (this.#isRefused(pair)) return withheld('known-wrong', 'this password was refused before');
    const name = this.#store.mark('login', login);
    if (!this.#take(name, attempt.trust)) {
      return withheld('over-budget', 'the directory has been asked about too many wrong passwords of this login');
    }
    // Counted until proven otherwise: also when the client hangs up, the directory has counted.
    const verdict = await ask();
    const { result } = verdict;
    if (!(result instanceof AuthError)) this.#store.run('DELETE FROM tries WHERE login = ?', name);
    else if (result.kind === 'bad-password') this.#remember(pair);
    else this.#store.run('UPDATE tries SET count = count - 1 WHERE login = ? AND count > 0', name);
    return verdict;
  }

  isKnownWrong(login: string, password: string): boolean {
    return this.#config.remember > 0 && this.#isRefused(this.#store.mark('pair', login.toLowerCase(), password));
  }

  #isRefused(pair: Buffer): boolean {
    const until = this.#store.row('SELECT until FROM refused WHERE pair = ?', pair)?.until;
    return typeof until === 'number' && until > this.#now();
  }

  #remember(pair: Buffer): void {
    const until = this.#now() + this.#config.remember;
    const { seq } = this.#store.run('INSERT OR REPLACE INTO refused(pair, until) VALUES (?, ?)', pair, until);
    this.#store.keepLatest('refused', seq, this.#config.entries);
  }

  /** One statement, so that processes which take at the same time cannot take the same one. */
  #take(login: Buffer, trust: ShieldedTry['trust']): boolean {
    const { budget, entries } = this.#config;
    if (!budget || trust === 'proven') return true;
    const now = this.#now();
    const most = trust === 'home' || budget.tries < 3 ? budget.tries : budget.tries - 1;
    const since = now - budget.within;
    const { changes } = this.#store.run(
      `INSERT INTO tries(login, count, last) VALUES (?, 1, ?)
       ON CONFLICT(login) DO UPDATE SET count = CASE WHEN last <= ? THEN 1 ELSE count + 1 END, last = excluded.last
       WHERE last <= ? OR count < ?`,
      login,
      now,
      since,
      since,
      most,
    );
    if (changes === 0) return !this.#isSpent(login, since, most);
    const seq = this.#store.row('SELECT max(seq) AS seq FROM tries')?.seq;
    if (typeof seq === 'number') this.#store.keepLatest('tries', seq, entries);
    return true;
  }

  /** A store that fails has changed nothing, either, and must not keep anybody out. */
  #isSpent(login: Buffer, since: number, most: number): boolean {
    const row = this.#store.row(
      'SELECT 1 AS spent FROM tries WHERE login = ? AND last > ? AND count >= ?',
      login,
      since,
      most,
    );
    return row !== undefined;
  }
}

function withheld(kind: 'known-wrong' | 'over-budget', detail: string): Verdict {
  const steps = [{ stage: 'shield', outcome: 'fail', detail: `${kind}: ${detail}; no directory was asked` } as const];
  return { result: new AuthError(kind, detail), unknownIn: [], steps };
}
