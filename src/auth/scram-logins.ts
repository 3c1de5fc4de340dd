import { createHmac, randomBytes } from 'node:crypto';
import { accountId } from './account-id.ts';
import type { AppPasswordMark, AppPasswords, AppPasswordUse } from './app-password.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthError, type LoginName } from './directory.ts';
import { type DirectoryChain, isRefusal, recordVerdict } from './directory-chain.ts';
import type { GroupNames } from './group-names.ts';
import type { ScramProof } from './login-request.ts';
import type { DirectoryUser } from './principal.ts';
import type { ResultCache } from './result-cache.ts';
import { nobodysVerifier, type ScramHash, type ScramVerifier } from './scram-verifier.ts';

export interface ScramLoginsDeps {
  readonly chain: DirectoryChain;
  /** Entries of those who have proven themselves, for outages. */
  readonly entries: ResultCache;
  readonly appPasswords: AppPasswords | undefined;
  /** Groups whose members' own passwords are refused. */
  readonly confined: GroupNames;
  /** Keyed hash of some texts, 16 octets: salts of those nobody knows, the same whenever they are asked for. Absent = as long as this lives. */
  readonly mark: ((...texts: readonly string[]) => Buffer) | undefined;
}

interface Candidate {
  readonly verifier: ScramVerifier;
  readonly mark?: AppPasswordMark;
}

/**
 * Logins by SCRAM: a directory is asked for the entry with its verifiers, and the password is proven here. Whoever is unknown, refused
 * or without verifier is challenged like everybody else, and refused in the end.
 */
export class ScramLogins {
  readonly #deps: ScramLoginsDeps;
  readonly #key = randomBytes(32);

  constructor(deps: ScramLoginsDeps) {
    this.#deps = deps;
  }

  /** @throws AuthError as directories do; what `scram.prove` throws */
  async prove(
    name: LoginName,
    scram: ScramProof,
    use: AppPasswordUse,
    record: DecisionRecord,
    signal: AbortSignal,
  ): Promise<{ user: DirectoryUser; outcome: 'ok' | 'ok-outage' | 'ok-app-password'; appPassword?: AppPasswordMark }> {
    const { entries } = this.#deps;
    const { era } = entries;
    const { found, lately } = await this.#find(name, record, signal);
    if (found instanceof AuthError && !isRefusal(found.kind)) throw found;
    const candidates = found instanceof AuthError ? [] : await this.#candidates(found, scram.hash, use);
    const verifiers = candidates.map(({ verifier }) => verifier);
    if (verifiers.length === 0) verifiers.push(nobodysVerifier(scram.hash, this.#saltOf(name.login, scram.hash)));
    const verdict = await scram.prove(verifiers);
    if (found instanceof AuthError) throw found;
    const proven = candidates.find(({ verifier }) => verifier === verdict.proven);
    if (!proven) {
      const reason = candidates.length === 0 ? `no verifier of ${found.entry} for ${scram.hash}` : verdict.reason;
      throw new AuthError('bad-password', `SCRAM: ${reason ?? 'not proven'}`);
    }
    if (!proven.mark) {
      // What an outage is survived by must not be made younger by it.
      if (!lately) entries.remember(name.login, entries.fingerprint(name.login, ''), found, era);
      return { user: found, outcome: lately ? 'ok-outage' : 'ok' };
    }
    this.#deps.appPasswords?.noteUse(accountId(found.directory, found.id), proven.mark.id, use);
    record.step('app-password', 'ok', `${proven.mark.id} (${proven.mark.name})`);
    return { user: found, outcome: 'ok-app-password', appPassword: proven.mark };
  }

  #saltOf(login: string, hash: ScramHash): Buffer {
    const { mark } = this.#deps;
    if (mark) return mark('scram salt', hash, login);
    return createHmac('sha256', this.#key).update(`${hash}\0${login}`).digest().subarray(0, 16);
  }

  /** Now: a remembered verifier would refuse a new password. In an outage, what was found before. */
  async #find(
    name: LoginName,
    record: DecisionRecord,
    signal: AbortSignal,
  ): Promise<{ found: DirectoryUser | AuthError; lately: boolean }> {
    const { chain, entries } = this.#deps;
    const verdict = await chain.lookup(name, signal);
    recordVerdict(record, verdict);
    const { result } = verdict;
    if (!(result instanceof AuthError)) return { found: result, lately: false };
    if (isRefusal(result.kind)) entries.forgetLogin(name.login);
    if (result.kind !== 'unavailable') return { found: result, lately: false };
    const survivor = entries.proven(name.login, entries.fingerprint(name.login, ''), 'outage');
    if (survivor) record.step('cache', 'ok', `no directory answers; entry found before: ${survivor.entry}`);
    return { found: survivor ?? result, lately: survivor !== undefined };
  }

  /**
   * Those with one salt, since the client must be told it before it is known which it will prove: the user's own, or, where there is
   * none or it may not be used, the app passwords.
   */
  async #candidates(user: DirectoryUser, hash: ScramHash, use: AppPasswordUse): Promise<readonly Candidate[]> {
    const { appPasswords, confined } = this.#deps;
    const own = confined.find(user.groups) === undefined ? (user.scram?.of(hash) ?? []) : [];
    const all: Candidate[] = own.map(verifier => ({ verifier }));
    if (all.length === 0 && appPasswords && hash === 'sha256') {
      const theirs = await appPasswords.verifiers(accountId(user.directory, user.id), use);
      all.push(...theirs.map(({ mark, ...verifier }) => ({ mark, verifier: { hash, ...verifier } })));
    }
    const [first] = all;
    return all.filter(({ verifier: { salt, iterations } }) => {
      return first !== undefined && salt.equals(first.verifier.salt) && iterations === first.verifier.iterations;
    });
  }
}
