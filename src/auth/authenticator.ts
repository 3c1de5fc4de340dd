import { setTimeout as delay } from 'node:timers/promises';
import type { AuthenticationConfig } from '../config/schema.ts';
import type { AccountId } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import { accountId } from './account-id.ts';
import type { AppPasswordMark } from './app-password.ts';
import { AppPasswordLogins } from './app-password-logins.ts';
import type { AuthenticatorDeps } from './authenticator-deps.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthError, type LoginName } from './directory.ts';
import { DirectoryChain, isRefusal, type RefusalKind, recordVerdict } from './directory-chain.ts';
import { disclose, endsSessions } from './disclosure.ts';
import { GroupNames } from './group-names.ts';
import { KnownLogins } from './known-logins.ts';
import { normaliseLogin, preparePassword, splitLogin } from './login-name.ts';
import type { KnownUser, LoginOutcome, LoginRequest, LoginState, ScramProof } from './login-request.ts';
import { OutageProofs } from './outage-proofs.ts';
import { PasswordLogins } from './password-logins.ts';
import type { DirectoryUser, Principal } from './principal.ts';
import { Recovery } from './recovery.ts';
import { type Fingerprint, ResultCache } from './result-cache.ts';
import { ScramLogins } from './scram-logins.ts';
import { Shield } from './shield.ts';
import { Throttle } from './throttle.ts';

export type { AuthenticatorDeps };

/** An attempt past normalisation. */
interface Attempt {
  readonly request: LoginRequest;
  readonly record: DecisionRecord;
  readonly signal: AbortSignal;
  /** Undefined when normalisation refused it. */
  readonly login: string | undefined;
  readonly fingerprint: Fingerprint;
  /** When it came, and when it was let past the throttle. */
  readonly arrivedAt: number;
  readonly begunAt: number;
}

interface Inherited {
  readonly throttle: Throttle;
  readonly cache: ResultCache;
  readonly entries: ResultCache;
  readonly recovery: Recovery;
}

interface Proof {
  readonly user: DirectoryUser;
  readonly outcome: 'ok' | 'ok-cached' | 'ok-outage' | 'ok-app-password';
  readonly appPassword?: AppPasswordMark;
}

const PROOFS = {
  ok: 'directory',
  'ok-cached': 'cache',
  'ok-outage': 'outage',
  'ok-app-password': 'app-password',
} as const;

/** For those whose password is right, and who may not use it here. */
const APP_PASSWORD_NEEDED = 'An app password is needed here instead of your own one; please ask the help desk for it.';

/**
 * From a login and a password to a principal: normalisation, throttle, cache, directories in order, policy. Every refusal
 * that a guesser could learn from has one answer and one time; the true reason is in the error's message and the record.
 */
export class Authenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #config: AuthenticationConfig;
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly #chain: DirectoryChain;
  readonly #required: GroupNames;
  readonly #throttle: Throttle;
  readonly #cache: ResultCache;
  readonly #appPasswords: AppPasswordLogins | undefined;
  /** Groups whose members' own passwords are refused. */
  readonly #confined: GroupNames;
  /** Of logins by app passwords. */
  readonly #entries: ResultCache;
  readonly #passwords: PasswordLogins;
  readonly #scram: ScramLogins;
  readonly #known: KnownLogins;
  readonly #recovery: Recovery;

  /** @throws Error when the configuration asks a directory that is not there */
  constructor(deps: AuthenticatorDeps, inherited?: Inherited) {
    this.#deps = deps;
    this.#config = deps.config;
    this.#now = deps.now ?? (() => performance.now());
    this.#sleep = deps.sleep ?? ((milliseconds, signal) => delay(milliseconds, undefined, { signal }));
    this.#chain = new DirectoryChain(deps.config.directories, deps.directories);
    this.#required = new GroupNames(deps.config.require.groups);
    this.#throttle = inherited?.throttle ?? new Throttle(deps.config.throttle, this.#now);
    this.#cache = inherited?.cache ?? new ResultCache(deps.config.cache, this.#now);
    this.#entries = inherited?.entries ?? new ResultCache(deps.config.cache, this.#now);
    this.#recovery = inherited?.recovery ?? new Recovery(this.#now);
    const { store, log, onTrust, origin = name => name } = deps;
    const cached = { chain: this.#chain, cache: this.#cache, config: deps.config.cache, recovery: this.#recovery };
    const proofs = store && new OutageProofs({ store, config: deps.config.cache, origin });
    const shield = store && new Shield(store, deps.config.shield);
    this.#passwords = new PasswordLogins({ ...cached, shield, proofs, log, onTrust });
    this.#known = new KnownLogins(this.#cache, this.#entries, proofs);
    if (deps.config.app_passwords && deps.appPasswords) {
      const { appPasswords } = deps;
      const found = { chain: this.#chain, entries: this.#entries };
      this.#appPasswords = new AppPasswordLogins({ appPasswords, ...found, log, onTrust });
    }
    this.#confined = new GroupNames(deps.config.app_passwords?.required_for.groups ?? []);
    this.#scram = new ScramLogins({
      chain: this.#chain,
      entries: this.#entries,
      appPasswords: deps.config.app_passwords && deps.appPasswords,
      confined: this.#confined,
      mark: store && ((...texts) => store.mark(...texts)),
    });
  }

  /**
   * The successor under a new configuration. It inherits what is known of guessers, and of proven logins those whose directory
   * is the same object as before, with the same ones asked before it: a directory whose configuration changed must be a new one.
   */
  static from(previous: Authenticator, deps: AuthenticatorDeps): Authenticator {
    const now = deps.now ?? previous.#now;
    const chain = new DirectoryChain(deps.config.directories, deps.directories);
    const unchanged = chain.unchangedSince(previous.#chain);
    return new Authenticator(
      { ...deps, now },
      {
        recovery: previous.#recovery,
        throttle: Throttle.from(previous.#throttle, deps.config.throttle),
        cache: ResultCache.from(previous.#cache, deps.config.cache, user => unchanged.has(user.directory)),
        entries: ResultCache.from(previous.#entries, deps.config.cache, user => unchanged.has(user.directory)),
      },
    );
  }

  /**
   * @throws MailError: authentication-failed (unknown user, bad password, refused login: alike, unless `disclose` lets more be said:
   * expired, contact-admin, unavailable), authorization-failed (right password, not in a required group), unavailable (no word from a directory that is to be trusted), contact-admin
   * (ambiguous). The signal's reason when the client has gone. Anything else is a bug.
   */
  async authenticate(request: LoginRequest, record: DecisionRecord, signal: AbortSignal): Promise<Principal> {
    const arrivedAt = this.#now();
    const name = this.#normalise(request.login, record);
    const login = 'refused' in name ? undefined : name.login;
    request.learnt?.({ login });
    await this.#takeTurn(request.address, login, record, signal);
    const begunAt = this.#now();
    const password = preparePassword(request.password ?? '');
    const fingerprint = this.#cache.fingerprint(login ?? request.login, password);
    const attempt: Attempt = { request, record, signal, login, fingerprint, arrivedAt, begunAt };

    if ('refused' in name) return this.#refuse(attempt, 'refused', `login name ${name.refused}`);
    if (password === '' && !request.scram) {
      // LDAP takes a bind without password for an anonymous one and lets it in (RFC 4513 §5.1.2).
      record.step('policy', 'fail', 'empty password');
      const cause = new AuthError('bad-password', 'empty password');
      return this.#refuse(attempt, 'bad-password', cause.message, cause);
    }
    const appPasswords = this.#appPasswords?.recognises(password) ? this.#appPasswords : undefined;
    const { user, outcome, appPassword } = await (request.scram
      ? this.#proveByScram(attempt, name, request.scram)
      : appPasswords
        ? this.#proveByAppPassword(attempt, name, password, appPasswords)
        : this.#prove(attempt, name, password));
    this.#throttle.succeeded(request.address, name.login);
    this.#deps.suspicion?.succeeded(request.address, name.login);
    const account = accountId(user.directory, user.id);
    request.learnt?.({ account, directory: user.directory });
    this.#authorise(user, record, () => this.#report('not-authorized'));
    if (!appPassword) this.#requireAppPassword(user, record);
    this.#report(outcome);
    const { mechanism } = request;
    const proof = PROOFS[outcome];
    const { scram: _, ...known } = user;
    return { ...known, account, login: name.login, mechanism, proof, ...(appPassword && { appPassword }) };
  }

  /** The same pipeline without a password, throttle and cache, for `explain`. @throws MailError as `authenticate` */
  async lookup(login: string, record: DecisionRecord, signal: AbortSignal): Promise<KnownUser> {
    const name = this.#normalise(login, record);
    if ('refused' in name) throw new MailError('authentication-failed', `login name ${name.refused}`);
    const verdict = await this.#chain.lookup(name, signal);
    recordVerdict(record, verdict);
    const user = verdict.result;
    if (user instanceof AuthError) throw asMailError(user);
    this.#authorise(user, record);
    const group = this.#confined.find(user.groups);
    if (group !== undefined) record.step('policy', 'ok', `with an app password only: in ${group}`);
    return { ...user, account: accountId(user.directory, user.id), login: name.login };
  }

  /** What this process knows of a login, for `explain`. */
  stateOf(text: string, address: string | undefined): LoginState {
    const name = normaliseLogin(text, this.#config.login);
    const login = 'refused' in name ? undefined : name.login;
    return {
      login,
      proven: login === undefined ? undefined : this.#cache.known(login),
      entry: login === undefined ? undefined : this.#entries.known(login),
      throttle:
        address === undefined
          ? undefined
          : {
              hold: Math.ceil(this.#throttle.holdFor(address, login)),
              delay: Math.ceil(this.#throttle.delayFor(address, login)),
            },
    };
  }

  /**
   * Whether a session's user may still be there: the login still leads to the same entry in the same directory, and the required
   * groups still hold, and so does the app password, if that was the proof.
   * @throws AuthError when the directory does not say; the session then stays
   */
  async recheck(principal: Principal, signal: AbortSignal): Promise<'valid' | 'gone'> {
    if (principal.appPassword && !(await this.#appPasswords?.holds(principal))) return 'gone';
    const user = await this.#lookupAgain(principal, signal);
    if (user?.id === principal.id && this.#isAuthorised(user)) return 'valid';
    // Also for those who come next: the cache must not vouch for whom the directory no longer has, under whichever login.
    this.#known.invalidate(principal);
    return 'gone';
  }

  /** The user's entry as it is now; undefined when it is gone, or nobody may log in as it any more. @throws AuthError */
  async #lookupAgain(principal: Principal, signal: AbortSignal): Promise<DirectoryUser | undefined> {
    try {
      return await this.#chain.find(principal.directory)?.lookup(splitLogin(principal.login), signal);
    } catch (error) {
      const ends =
        error instanceof AuthError && error.kind === 'refused' && error.refusal && endsSessions(error.refusal);
      if (ends) return undefined;
      throw error;
    }
  }

  /**
   * Nothing that was proven of a login holds any more: it is let in again once a directory has proven it.
   * @returns the login after normalisation, and the accounts that it led to, as far as that was known
   */
  revoke(text: string): { readonly login: string; readonly accounts: readonly AccountId[] } {
    const name = normaliseLogin(text, this.#config.login);
    const login = 'refused' in name ? text : name.login;
    return { login, accounts: this.#known.revoke(login) };
  }

  /** Forgets all proven logins. The directories stay open. */
  close(): void {
    this.#cache.clear();
    this.#entries.clear();
  }

  #normalise(text: string, record: DecisionRecord): LoginName | { refused: string } {
    const name = normaliseLogin(text, this.#config.login);
    if ('refused' in name) record.step('normalise', 'fail', name.refused);
    else record.step('normalise', 'ok', name.login);
    return name;
  }

  async #takeTurn(address: string, login: string | undefined, record: DecisionRecord, signal: AbortSignal) {
    if (this.#throttle.refuses(address, login)) {
      record.step('throttle', 'fail', 'too many failures of this address; refused unheard');
      this.#report('throttled');
      await this.#pause(this.#config.throttle.delay, signal);
      throw asMailError(new AuthError('throttled', 'too many failures of this address'));
    }
    let waited = 0;
    for (;;) {
      signal.throwIfAborted();
      const hold = Math.ceil(this.#throttle.holdFor(address, login, waited));
      if (hold === 0) break;
      record.step('throttle', 'skip', `held for ${hold} ms after earlier failures`);
      await this.#pause(hold, signal);
      signal.throwIfAborted();
      waited += hold;
    }
    this.#throttle.begin(address, login);
    record.step('throttle', 'ok', waited === 0 ? 'not held' : `held for ${waited} ms in all`);
  }

  async #prove(attempt: Attempt, name: LoginName, password: string): Promise<Proof> {
    const { request, record, fingerprint, signal } = attempt;
    const atHome = this.#throttle.isProven(request.address, name.login);
    const decidedBy = (directory: string) => request.learnt?.({ directory });
    try {
      return await this.#passwords.prove({ name, password, fingerprint, atHome, record, signal, decidedBy });
    } catch (error) {
      if (error instanceof AuthError) return this.#fail(attempt, name, error);
      throw error;
    }
  }

  async #proveByAppPassword(
    attempt: Attempt,
    name: LoginName,
    password: string,
    appPasswords: AppPasswordLogins,
  ): Promise<Proof> {
    const { request, record, signal } = attempt;
    try {
      const use = { address: request.address, protocol: 'imap' } as const;
      const { user, mark } = await appPasswords.prove(name, password, use, record, signal);
      return { user, outcome: 'ok-app-password', appPassword: mark };
    } catch (error) {
      if (error instanceof AuthError) return this.#fail(attempt, name, error);
      throw error;
    }
  }

  async #proveByScram(attempt: Attempt, name: LoginName, scram: ScramProof): Promise<Proof> {
    const { request, record, signal } = attempt;
    try {
      const use = { address: request.address, protocol: 'imap' } as const;
      return await this.#scram.prove(name, scram, use, record, signal);
    } catch (error) {
      if (error instanceof AuthError) return this.#fail(attempt, name, error);
      throw error;
    }
  }

  /** What becomes of an attempt for which nobody vouches. */
  async #fail(attempt: Attempt, name: LoginName, result: AuthError): Promise<never> {
    if (isRefusal(result.kind)) return this.#refuse(attempt, result.kind, result.message, result);
    this.#report(result.kind);
    if (result.kind !== 'unavailable') {
      const { address, listener } = attempt.request;
      this.#deps.log.error(
        { err: result, login: name.login, address, listener },
        'a directory needs its administrator',
      );
    }
    throw asMailError(result);
  }

  /** The one way to say no: counted, and answered when its time has come, whatever was found and however fast. */
  async #refuse(attempt: Attempt, outcome: RefusalKind, detail: string, cause?: AuthError): Promise<never> {
    const { address } = attempt.request;
    // The hold is part of the price; but the directory's own time must always be covered, or it would tell what was found.
    const price = this.#throttle.delayFor(address, attempt.login);
    const answerAt = Math.max(attempt.arrivedAt + price, attempt.begunAt + this.#config.throttle.delay);
    // Enough to tell guesses apart; it is kept for as long as the count is.
    // Of a password that is not shown, nothing tells one guess from another.
    const guess = attempt.request.scram ? undefined : attempt.fingerprint.toString('base64', 0, 12);
    this.#throttle.failed(address, attempt.login, guess);
    // Where none was sent, by SCRAM, nobody can say whether it was one for many logins or one for each.
    const { password } = attempt.request;
    if (attempt.login && password !== undefined) this.#deps.suspicion?.refused(address, attempt.login, password);
    this.#report(outcome);
    const rest = Math.ceil(answerAt - this.#now());
    // Also when nobody is left to wait for: the reason is still worth the log.
    if (rest > 0) await this.#pause(rest, attempt.signal);
    const { kind, answer } = disclose(cause, this.#config.disclose);
    throw new MailError(kind, detail, { cause, ...(answer === undefined ? {} : { answer }) });
  }

  /** Ends early when the client goes. */
  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    await this.#sleep(milliseconds, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  #authorise(user: DirectoryUser, record: DecisionRecord, onRefusal?: () => void): void {
    if (this.#isAuthorised(user)) {
      record.step('policy', 'ok', this.#required.size === 0 ? 'no group required' : 'in a required group');
      return;
    }
    const detail = `${user.entry} is in none of the required groups`;
    record.step('policy', 'fail', detail);
    onRefusal?.();
    throw new MailError('authorization-failed', detail);
  }

  /** Said only after the right password: everybody else hears what a wrong one hears. */
  #requireAppPassword(user: DirectoryUser, record: DecisionRecord): void {
    const group = this.#confined.find(user.groups);
    if (group === undefined) return;
    const detail = `an app password is required of members of ${group}; the directory's own password was used`;
    record.step('policy', 'fail', detail);
    this.#report('not-authorized');
    throw new MailError('authorization-failed', detail, { answer: APP_PASSWORD_NEEDED });
  }

  #isAuthorised(user: DirectoryUser): boolean {
    return this.#required.size === 0 || this.#required.find(user.groups) !== undefined;
  }

  #report(outcome: LoginOutcome): void {
    this.#deps.onOutcome?.(outcome);
  }
}

function asMailError(error: AuthError): MailError {
  if (isRefusal(error.kind)) return new MailError('authentication-failed', error.message, { cause: error });
  const kind = error.kind === 'ambiguous' ? 'contact-admin' : 'unavailable';
  return new MailError(kind, error.message, { cause: error });
}
