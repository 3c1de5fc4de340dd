import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { AuthenticationConfig } from '../config/schema.ts';
import type { IdentityStore } from './identity-store.ts';
import type { DirectoryUser } from './principal.ts';
import type { Fingerprint } from './result-cache.ts';

/** 16 MB and some 30 ms of one core for each hash. */
const SCRYPT: ScryptOptions = { N: 16_384, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** Hashes at once, so that the threads of Node are left to others, and how many may wait. */
const AT_ONCE = 2;
const MOST_WAITING = 200;
/** A proof that is renewed is written down again after so long at the soonest. */
const RENEW_EVERY_MS = 60_000;

const storedUser = z.object({
  directory: z.string(),
  id: z.string(),
  name: z.string(),
  mail: z.string().optional(),
  host: z.string().optional(),
  groups: z.array(z.string()),
  attributes: z.array(z.tuple([z.string(), z.array(z.string())])),
  entry: z.string(),
});

export interface OutageProofsOptions {
  readonly store: IdentityStore;
  readonly config: AuthenticationConfig['cache'];
  /** What is to be the same for a proof to hold: the directory's configuration, and those asked before it. Secret in part. */
  readonly origin: (directory: string) => string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface RecalledProof {
  readonly user: DirectoryUser;
  /** Milliseconds since a directory proved it. */
  readonly age: number;
}

/**
 * Proven logins for the time in which no directory answers, kept over restarts: the entry, and a salted scrypt hash of the password.
 * Kept only with `cache.outage`, no longer than it, and no more than `cache.size`. What a directory says against a login deletes its
 * proof; so does `postern revoke`.
 */
export class OutageProofs {
  readonly #options: OutageProofsOptions;
  readonly #now: () => number;
  /** What this process wrote down, or found to be right: so that the same password is hashed once. */
  readonly #written: LRUCache<string, { readonly fingerprint: string; readonly at: number }>;
  /** The latest hash under way for each login; what is forgotten meanwhile is not written. */
  readonly #pending = new Map<string, symbol>();
  #busy = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: OutageProofsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#written = new LRUCache({ max: options.config.size });
  }

  /** A directory has just vouched. Resolves once it is written down; not to be waited for. */
  async remember(login: string, password: string, fingerprint: Fingerprint, user: DirectoryUser): Promise<void> {
    const { store, config } = this.#options;
    if (config.outage === 0) return;
    const now = this.#now();
    const print = fingerprint.toString('base64');
    const written = this.#written.get(login);
    if (written?.fingerprint === print) {
      if (now - written.at < Math.min(RENEW_EVERY_MS, config.outage / 4)) return;
      const sql = 'UPDATE proofs SET proven = ?, user = ? WHERE login = ? AND directory = ? AND id = ?';
      const { changes } = store.run(sql, now, storeUser(user), login, user.directory, user.id);
      if (changes > 0) {
        this.#written.set(login, { fingerprint: print, at: now });
        return;
      }
    }
    const mine = Symbol(login);
    this.#pending.set(login, mine);
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#hash(password, salt).catch((error: unknown) => {
      this.#pending.delete(login);
      throw error;
    });
    if (this.#pending.get(login) !== mine) return;
    this.#pending.delete(login);
    if (!hash) return;
    const { seq } = store.run(
      'INSERT OR REPLACE INTO proofs(login, directory, id, user, origin, salt, hash, proven) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      login,
      user.directory,
      user.id,
      storeUser(user),
      this.#origin(user.directory),
      salt,
      hash,
      now,
    );
    this.#written.set(login, { fingerprint: print, at: now });
    store.keepLatest('proofs', seq, config.size);
  }

  /** The user, if this login and password were proven within `outage`, in this process or another. */
  async recall(login: string, password: string): Promise<RecalledProof | undefined> {
    const { store, config } = this.#options;
    const row = store.row('SELECT user, origin, salt, hash, proven FROM proofs WHERE login = ?', login);
    if (!row || config.outage === 0) return undefined;
    const { user: text, origin, salt, hash, proven } = row;
    if (typeof text !== 'string' || typeof proven !== 'number') return undefined;
    if (!(origin instanceof Uint8Array && salt instanceof Uint8Array && hash instanceof Uint8Array)) return undefined;
    const age = this.#now() - proven;
    const user = readUser(text);
    if (age < 0 || age >= config.outage || !user || !this.#origin(user.directory).equals(origin)) return undefined;
    const found = await this.#hash(password, salt);
    if (!found || !timingSafeEqual(found, hash)) return undefined;
    // Revoked meanwhile, here or by another process?
    const still = store.row('SELECT 1 AS there FROM proofs WHERE login = ? AND hash = ?', login, hash);
    return still && { user, age };
  }

  /** The password was refused: if it is the one that was proven, it is no longer. Not to be waited for. */
  async forgetPassword(login: string, password: string): Promise<void> {
    if (await this.recall(login, password)) this.forgetLogin(login);
  }

  /** @param directory only if that one vouched */
  forgetLogin(login: string, directory?: string): void {
    const { store } = this.#options;
    this.#pending.delete(login);
    this.#written.delete(login);
    if (directory === undefined) store.run('DELETE FROM proofs WHERE login = ?', login);
    else store.run('DELETE FROM proofs WHERE login = ? AND directory = ?', login, directory);
  }

  /** Whose a login was proven to be. */
  userOf(login: string): Pick<DirectoryUser, 'directory' | 'id'> | undefined {
    const row = this.#options.store.row('SELECT directory, id FROM proofs WHERE login = ?', login);
    if (typeof row?.directory !== 'string' || typeof row.id !== 'string') return undefined;
    return { directory: row.directory, id: row.id };
  }

  /** All logins of a user. */
  invalidate({ directory, id }: Pick<DirectoryUser, 'directory' | 'id'>): void {
    this.#pending.clear();
    this.#written.clear();
    this.#options.store.run('DELETE FROM proofs WHERE directory = ? AND id = ?', directory, id);
  }

  #origin(directory: string): Buffer {
    return this.#options.store.mark('origin', this.#options.origin(directory));
  }

  /** @returns undefined when too many wait already */
  async #hash(password: string, salt: Uint8Array): Promise<Buffer | undefined> {
    if (this.#busy >= AT_ONCE) {
      if (this.#waiting.length >= MOST_WAITING) return undefined;
      await new Promise<void>(resolve => this.#waiting.push(resolve));
    } else {
      this.#busy += 1;
    }
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        scrypt(password, salt, HASH_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
      });
    } finally {
      const next = this.#waiting.shift();
      // Handed over rather than freed, so that nobody overtakes.
      if (next) next();
      else this.#busy -= 1;
    }
  }
}

/** The entry alone: whatever else a directory hands over, verifiers of passwords among it, is not for a file. */
function storeUser({ directory, id, name, mail, host, groups, attributes, entry }: DirectoryUser): string {
  return JSON.stringify({ directory, id, name, mail, host, groups, attributes: [...attributes], entry });
}

function readUser(text: string): DirectoryUser | undefined {
  const parsed = storedUser.safeParse(JSON.parse(text));
  if (!parsed.success) return undefined;
  const { attributes, mail, host, ...user } = parsed.data;
  return { ...user, mail, host, attributes: new Map(attributes) };
}
