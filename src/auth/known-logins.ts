import type { AccountId } from '../mail/ids.ts';
import { accountId } from './account-id.ts';
import type { OutageProofs } from './outage-proofs.ts';
import type { DirectoryUser } from './principal.ts';
import type { ResultCache } from './result-cache.ts';

/** All that lets somebody in without asking a directory anew. */
export class KnownLogins {
  readonly #cache: ResultCache;
  readonly #entries: ResultCache;
  readonly #proofs: OutageProofs | undefined;

  constructor(cache: ResultCache, entries: ResultCache, proofs: OutageProofs | undefined) {
    this.#cache = cache;
    this.#entries = entries;
    this.#proofs = proofs;
  }

  /** A user is no longer what was proven, under whichever login. */
  invalidate(user: Pick<DirectoryUser, 'directory' | 'id'>): void {
    this.#cache.invalidate(user);
    this.#entries.invalidate(user);
    this.#proofs?.invalidate(user);
  }

  /**
   * Nothing that was proven of a login holds any more, nor of its user's other logins.
   * @returns the accounts it led to, as far as that was known
   */
  revoke(login: string): readonly AccountId[] {
    const users = [this.#cache.userOf(login), this.#entries.userOf(login), this.#proofs?.userOf(login)];
    const known = users.filter(user => user !== undefined);
    for (const user of known) this.invalidate(user);
    // Answers to what is being asked at this moment are older than this, too.
    this.invalidate({ directory: '', id: '' });
    return [...new Set(known.map(({ directory, id }) => accountId(directory, id)))];
  }
}
