import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { AuthenticationConfig } from '../config/schema.ts';
import type { DirectoryUser } from './principal.ts';

type CacheConfig = AuthenticationConfig['cache'];

interface Entry {
  readonly user: DirectoryUser;
  readonly fingerprint: Buffer;
  readonly provenAt: number;
}

/**
 * Keyed hash of one login with one password; 32 bytes. Says nothing of the password to whoever has not the process's key.
 */
export type Fingerprint = Buffer;

/**
 * Logins that a directory has vouched for, so that it is not asked for every connection. An entry belongs to one login and
 * one password: its fingerprint is made of both, so that no entry can answer for another user, whatever the key of the map.
 * Holds no password and no failure: a changed password works at once, the old one until `ttl`.
 *
 * Entries outlive `ttl` up to `outage`, for the time in which no directory answers. Any word of a directory against a
 * login ends its entry at once. Times in milliseconds of the given clock.
 */
export class ResultCache {
  readonly #config: CacheConfig;
  readonly #now: () => number;
  readonly #key: Buffer;
  readonly #entries: LRUCache<string, Entry>;
  /** Answers asked for before the latest `invalidate` are older than what it knew. */
  #era = 0;

  constructor(config: CacheConfig, now: () => number = () => performance.now(), key: Buffer = randomBytes(32)) {
    this.#config = config;
    this.#now = now;
    this.#key = key;
    this.#entries = new LRUCache({ max: config.size });
  }

  /** A cache of another configuration with those entries of another that `keep` approves. */
  static from(previous: ResultCache, config: CacheConfig, keep: (user: DirectoryUser) => boolean): ResultCache {
    const cache = new ResultCache(config, previous.#now, previous.#key);
    // From the least recently used, so that a smaller cache loses those.
    for (const [login, entry] of [...previous.#entries.entries()].reverse()) {
      if (keep(entry.user)) cache.#entries.set(login, entry);
    }
    return cache;
  }

  /** Everything that is to be known of a password to recognise it again. */
  fingerprint(login: string, password: string): Fingerprint {
    // A login holds no NUL, so that the two cannot be cut apart in another place.
    return createHmac('sha256', this.#key).update(`${login}\0${password}`).digest();
  }

  /** Passed to `remember` to say when the directory was asked. */
  get era(): number {
    return this.#era;
  }

  /** The user, if this very login and password were proven within `ttl`; with `outage`, within that. */
  proven(login: string, fingerprint: Fingerprint, within: 'ttl' | 'outage' = 'ttl'): DirectoryUser | undefined {
    const entry = this.#entries.get(login);
    if (!entry || !timingSafeEqual(entry.fingerprint, fingerprint)) return undefined;
    const age = this.#now() - entry.provenAt;
    if (age >= Math.max(this.#config.ttl, this.#config.outage)) this.#entries.delete(login);
    return age < this.#config[within] ? entry.user : undefined;
  }

  /** The entry of a login that is trusted now, or would be in an outage, and its age, for people; proves nothing. */
  known(login: string): { readonly entry: string; readonly age: number } | undefined {
    const found = this.#entries.peek(login);
    const age = found ? this.#now() - found.provenAt : 0;
    return found && age < Math.max(this.#config.ttl, this.#config.outage)
      ? { entry: found.user.entry, age }
      : undefined;
  }

  /** Whose the login was proven to be, as far as that is still known. */
  userOf(login: string): DirectoryUser | undefined {
    return this.#entries.peek(login)?.user;
  }

  /** A directory has just vouched for the login with this password. @param era as it was when it was asked @param age milliseconds since then */
  remember(login: string, fingerprint: Fingerprint, user: DirectoryUser, era: number, age = 0): void {
    if (era !== this.#era || Math.max(this.#config.ttl, this.#config.outage) === 0) return;
    this.#entries.set(login, { user, fingerprint, provenAt: this.#now() - age });
  }

  /** A directory has refused this password: if it is the one that was proven, it is no longer. */
  forgetPassword(login: string, fingerprint: Fingerprint): void {
    const entry = this.#entries.peek(login);
    if (entry && timingSafeEqual(entry.fingerprint, fingerprint)) this.#entries.delete(login);
  }

  /** A directory said of the login itself that it may not, or no longer exists there (in any, if none is named). */
  forgetLogin(login: string, directory?: string): void {
    const entry = this.#entries.peek(login);
    if (entry && (directory === undefined || entry.user.directory === directory)) this.#entries.delete(login);
  }

  /**
   * A user is no longer what was proven: all of the user's logins are forgotten, and answers still under way, asked for before this
   * was known, are not remembered either. Looks at every entry: for what happens seldom.
   */
  invalidate({ directory, id }: Pick<DirectoryUser, 'directory' | 'id'>): void {
    this.#era += 1;
    const theirs = [...this.#entries.entries()].filter(
      ([, { user }]) => user.id === id && user.directory === directory,
    );
    for (const [login] of theirs) this.#entries.delete(login);
  }

  clear(): void {
    this.#era += 1;
    this.#entries.clear();
  }
}
