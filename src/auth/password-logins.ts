import type { AuthenticationConfig } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthError, type LoginName } from './directory.ts';
import { type DirectoryChain, recordVerdict, type Verdict } from './directory-chain.ts';
import type { OutageProofs } from './outage-proofs.ts';
import type { DirectoryUser } from './principal.ts';
import type { Recovery } from './recovery.ts';
import type { Fingerprint, ResultCache } from './result-cache.ts';
import type { Shield } from './shield.ts';
import { SingleFlight } from './single-flight.ts';

/** From this part of `ttl` on, the directory is asked again in the background about those who log in. */
const REFRESH_FROM = 0.75;
/** Such questions at once; further ones wait for the next login. */
const MOST_REFRESHES = 8;
const REFRESH_TIMEOUT_MS = 30_000;

export interface PasswordLoginsDeps {
  readonly chain: DirectoryChain;
  readonly cache: ResultCache;
  readonly config: AuthenticationConfig['cache'];
  readonly recovery: Recovery;
  readonly shield?: Shield | undefined;
  readonly proofs?: OutageProofs | undefined;
  readonly log: Logger;
  /** Somebody was let in by what was proven so many milliseconds ago. */
  readonly onTrust?: ((proof: 'cache' | 'outage', age: number) => void) | undefined;
}

/** A login and a password that is to be proven. */
export interface PasswordTry {
  readonly name: LoginName;
  readonly password: string;
  readonly fingerprint: Fingerprint;
  /** Whether the login was proven from this address before. */
  readonly atHome: boolean;
  readonly record: DecisionRecord;
  readonly signal: AbortSignal;
  /** Told which directory decided, when it did not vouch. */
  readonly decidedBy: (directory: string) => void;
}

export interface PasswordProof {
  readonly user: DirectoryUser;
  readonly outcome: 'ok' | 'ok-cached' | 'ok-outage';
}

/** Logins by the directories' own passwords: the cache, the shield, the directories, and what holds while they are silent. */
export class PasswordLogins {
  readonly #deps: PasswordLoginsDeps;
  readonly #flights = new SingleFlight<Verdict>();
  #refreshes = 0;

  constructor(deps: PasswordLoginsDeps) {
    this.#deps = deps;
  }

  /** @throws AuthError as directories do, and the shield; the signal's reason */
  async prove(attempt: PasswordTry): Promise<PasswordProof> {
    const { record, name, fingerprint, signal } = attempt;
    const { cache, recovery } = this.#deps;
    const known = cache.proven(name.login, fingerprint);
    record.step('cache', known ? 'ok' : 'skip', known ? `proven before: ${known.entry}` : 'not proven lately');
    if (known) {
      this.#deps.onTrust?.('cache', this.#ageOf(name.login));
      this.#refresh(attempt);
      return { user: known, outcome: 'ok-cached' };
    }
    if (recovery.isUnderWay) {
      const survivor = await this.#survivor(attempt);
      if (survivor && !recovery.mayAsk(survivor.directory)) return this.#trust(attempt, survivor);
    }
    const verdict = await this.#flights.run(flightOf(attempt), signal, shared => this.#ask(attempt, shared));
    recordVerdict(record, verdict);
    const { result, directory } = verdict;
    if (!(result instanceof AuthError)) return { user: result, outcome: 'ok' };
    if (directory !== undefined) attempt.decidedBy(directory);
    // Only silence is an outage: a server that cannot prove who it is may be an attacker who wants the cache to be asked.
    const survivor = result.kind === 'unavailable' ? await this.#survivor(attempt) : undefined;
    if (survivor) return this.#trust(attempt, survivor);
    throw result;
  }

  #trust({ name, record }: PasswordTry, user: DirectoryUser): PasswordProof {
    record.step('cache', 'ok', `no directory answers; proven before: ${user.entry}`);
    const age = this.#ageOf(name.login);
    this.#deps.onTrust?.('outage', age);
    const seconds = Math.round(age / 1000);
    this.#deps.log.warn({ login: name.login, seconds }, 'let in without a directory, which does not answer');
    return { user, outcome: 'ok-outage' };
  }

  #ageOf(login: string): number {
    return this.#deps.cache.known(login)?.age ?? 0;
  }

  /** Whom the login and password were proven to be within `outage`. */
  async #survivor({ name: { login }, password, fingerprint }: PasswordTry): Promise<DirectoryUser | undefined> {
    const { cache, proofs, shield } = this.#deps;
    const user = cache.proven(login, fingerprint, 'outage');
    if (user || !proofs || shield?.isKnownWrong(login, password)) return user;
    const { era } = cache;
    const recalled = await proofs.recall(login, password);
    if (!recalled) return undefined;
    // Next time without a hash.
    cache.remember(login, fingerprint, recalled.user, era, recalled.age);
    return cache.proven(login, fingerprint, 'outage');
  }

  /** The part of an attempt that concurrent ones share. */
  async #ask({ name, password, fingerprint, atHome }: PasswordTry, signal: AbortSignal): Promise<Verdict> {
    const { cache, chain, shield, proofs, recovery, log } = this.#deps;
    const { login } = name;
    const { era } = cache;
    const ask = () => chain.authenticate(name, password, signal);
    const home = atHome ? 'home' : 'none';
    const trust = cache.proven(login, fingerprint, 'outage') ? 'proven' : home;
    const verdict = await (shield?.guard({ login, password, trust }, ask) ?? ask());
    const { result, unknownIn, directory } = verdict;
    const later = (work: Promise<void> | undefined) =>
      work?.catch((err: unknown) => log.error({ err, login }, 'a proof for outages could not be written or removed'));
    for (const name of unknownIn) {
      cache.forgetLogin(login, name);
      proofs?.forgetLogin(login, name);
    }
    if (!(result instanceof AuthError)) {
      cache.remember(login, fingerprint, result, era);
      if (era === cache.era) later(proofs?.remember(login, password, fingerprint, result));
    } else if (result.kind === 'bad-password') {
      cache.forgetPassword(login, fingerprint);
      later(proofs?.forgetPassword(login, password));
    } else if (result.kind === 'refused') {
      cache.forgetLogin(login);
      proofs?.forgetLogin(login);
    }
    if (directory !== undefined) {
      if (result instanceof AuthError && result.kind === 'unavailable') recovery.silent(directory);
      else recovery.answered(directory);
    }
    return verdict;
  }

  /** Before the proof of somebody who is active grows too old, with the password that is at hand: no login waits for it. */
  #refresh(attempt: PasswordTry): void {
    const { config, recovery, log } = this.#deps;
    const { login } = attempt.name;
    if (this.#ageOf(login) < config.ttl * REFRESH_FROM || this.#refreshes >= MOST_REFRESHES) return;
    if (recovery.isUnderWay) return;
    this.#refreshes += 1;
    this.#flights
      .run(flightOf(attempt), AbortSignal.timeout(REFRESH_TIMEOUT_MS), shared => this.#ask(attempt, shared))
      .catch((err: unknown) => log.debug({ err, login }, 'a proven login could not be refreshed'))
      .finally(() => {
        this.#refreshes -= 1;
      });
  }
}

function flightOf({ name, fingerprint }: PasswordTry): string {
  return `${name.login}\0${fingerprint.toString('base64')}`;
}
