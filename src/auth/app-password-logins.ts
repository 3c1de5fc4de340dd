import type { Logger } from '../observe/log.ts';
import { accountId } from './account-id.ts';
import type { AppPasswordMark, AppPasswords, AppPasswordUse } from './app-password.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthError, type LoginName } from './directory.ts';
import { type DirectoryChain, isRefusal, recordVerdict, type Verdict } from './directory-chain.ts';
import type { DirectoryUser, Principal } from './principal.ts';
import type { ResultCache } from './result-cache.ts';
import { SingleFlight } from './single-flight.ts';

export interface AppPasswordLoginsDeps {
  readonly appPasswords: AppPasswords;
  readonly chain: DirectoryChain;
  /** Entries that were found, by login; the fingerprints in it say nothing of any password. */
  readonly entries: ResultCache;
  readonly log: Logger;
  /** Somebody was let in by an entry that was found so many milliseconds ago, as no directory answers. */
  readonly onTrust?: ((proof: 'outage', age: number) => void) | undefined;
}

/** Logins by app passwords, which never go to a directory: it is asked for the entry alone, and the password is proven here. */
export class AppPasswordLogins {
  readonly #deps: AppPasswordLoginsDeps;
  readonly #flights = new SingleFlight<Verdict>();

  constructor(deps: AppPasswordLoginsDeps) {
    this.#deps = deps;
  }

  recognises(password: string): boolean {
    return this.#deps.appPasswords.recognises(password);
  }

  /** @throws AuthError as directories do; the signal's reason */
  async prove(
    name: LoginName,
    password: string,
    use: AppPasswordUse,
    record: DecisionRecord,
    signal: AbortSignal,
  ): Promise<{ user: DirectoryUser; mark: AppPasswordMark }> {
    const { user, age } = await this.#entryOf(name, record, signal);
    const verdict = await this.#deps.appPasswords.verify(accountId(user.directory, user.id), password, use);
    const detail = verdict.valid ? `${verdict.mark.id} (${verdict.mark.name})` : verdict.reason;
    record.step('app-password', verdict.valid ? 'ok' : 'fail', detail);
    if (!verdict.valid) throw new AuthError('bad-password', `app password: ${detail}`);
    if (age !== undefined) {
      this.#deps.onTrust?.('outage', age);
      const seconds = Math.round(age / 1000);
      this.#deps.log.warn({ login: name.login, seconds }, 'let in without a directory, which does not answer');
    }
    return { user, mark: verdict.mark };
  }

  /** Whether the app password of a session, if it has one, is still there. @throws AuthError */
  async holds({ account, appPassword }: Principal): Promise<boolean> {
    return appPassword === undefined || (await this.#deps.appPasswords.holds(account, appPassword.id));
  }

  /**
   * As found within the time for which a proven login is trusted, or now.
   * @returns with the entry, its age in milliseconds when no directory answers and it is trusted all the same
   */
  async #entryOf(
    name: LoginName,
    record: DecisionRecord,
    signal: AbortSignal,
  ): Promise<{ user: DirectoryUser; age?: number }> {
    const { chain, entries } = this.#deps;
    const key = entries.fingerprint(name.login, '');
    const known = entries.proven(name.login, key);
    record.step(
      'cache',
      known ? 'ok' : 'skip',
      known ? `entry found before: ${known.entry}` : 'entry not found lately',
    );
    if (known) return { user: known };
    const { era } = entries;
    const verdict = await this.#flights.run(name.login, signal, shared => chain.lookup(name, shared));
    recordVerdict(record, verdict);
    const { result } = verdict;
    if (!(result instanceof AuthError)) {
      entries.remember(name.login, key, result, era);
      return { user: result };
    }
    if (isRefusal(result.kind)) entries.forgetLogin(name.login);
    const survivor = result.kind === 'unavailable' ? entries.proven(name.login, key, 'outage') : undefined;
    if (!survivor) throw result;
    record.step('cache', 'ok', `no directory answers; entry found before: ${survivor.entry}`);
    return { user: survivor, age: entries.known(name.login)?.age ?? 0 };
  }
}
