import { accountId } from './account-id.ts';
import type { AppPasswordMark, AppPasswords, AppPasswordUse } from './app-password.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthError, type LoginName } from './directory.ts';
import { type DirectoryChain, isRefusal, recordVerdict, type Verdict } from './directory-chain.ts';
import type { DirectoryUser, Principal } from './principal.ts';
import type { ResultCache } from './result-cache.ts';
import { SingleFlight } from './single-flight.ts';

/** Logins by app passwords, which never go to a directory: it is asked for the entry alone, and the password is proven here. */
export class AppPasswordLogins {
  readonly #appPasswords: AppPasswords;
  readonly #chain: DirectoryChain;
  /** Entries that were found, by login; the fingerprints in it say nothing of any password. */
  readonly #entries: ResultCache;
  readonly #flights = new SingleFlight<Verdict>();

  constructor(appPasswords: AppPasswords, chain: DirectoryChain, entries: ResultCache) {
    this.#appPasswords = appPasswords;
    this.#chain = chain;
    this.#entries = entries;
  }

  recognises(password: string): boolean {
    return this.#appPasswords.recognises(password);
  }

  /** @throws AuthError as directories do; the signal's reason */
  async prove(
    name: LoginName,
    password: string,
    use: AppPasswordUse,
    record: DecisionRecord,
    signal: AbortSignal,
  ): Promise<{ user: DirectoryUser; mark: AppPasswordMark }> {
    const user = await this.#entryOf(name, record, signal);
    const verdict = await this.#appPasswords.verify(accountId(user.directory, user.id), password, use);
    const detail = verdict.valid ? `${verdict.mark.id} (${verdict.mark.name})` : verdict.reason;
    record.step('app-password', verdict.valid ? 'ok' : 'fail', detail);
    if (verdict.valid) return { user, mark: verdict.mark };
    throw new AuthError('bad-password', `app password: ${detail}`);
  }

  /** Whether the app password of a session, if it has one, is still there. @throws AuthError */
  async holds({ account, appPassword }: Principal): Promise<boolean> {
    return appPassword === undefined || (await this.#appPasswords.holds(account, appPassword.id));
  }

  /** As found within the time for which a proven login is trusted, or now. */
  async #entryOf(name: LoginName, record: DecisionRecord, signal: AbortSignal): Promise<DirectoryUser> {
    const key = this.#entries.fingerprint(name.login, '');
    const known = this.#entries.proven(name.login, key);
    record.step(
      'cache',
      known ? 'ok' : 'skip',
      known ? `entry found before: ${known.entry}` : 'entry not found lately',
    );
    if (known) return known;
    const { era } = this.#entries;
    const verdict = await this.#flights.run(name.login, signal, shared => this.#chain.lookup(name, shared));
    recordVerdict(record, verdict);
    const { result } = verdict;
    if (!(result instanceof AuthError)) {
      this.#entries.remember(name.login, key, result, era);
      return result;
    }
    if (isRefusal(result.kind)) this.#entries.forgetLogin(name.login);
    const survivor = result.kind === 'unavailable' ? this.#entries.proven(name.login, key, 'outage') : undefined;
    if (!survivor) throw result;
    record.step('cache', 'ok', `no directory answers; entry found before: ${survivor.entry}`);
    return survivor;
  }
}
