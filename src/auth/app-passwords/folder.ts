import { randomUUID } from 'node:crypto';
import { chown, link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { type AccountId, isAccountId } from '../../mail/ids.ts';
import type { Logger } from '../../observe/log.ts';
import type {
  AppPasswordMark,
  AppPasswords,
  AppPasswordUse,
  AppPasswordVerdict,
  AppPasswordVerifier,
} from '../app-password.ts';
import { AuthError } from '../directory.ts';
import {
  type AppPasswordRecord,
  type AppPasswordTerms,
  isSecretOf,
  newRecord,
  objection,
  parseRecord,
  verifierOf,
} from './record.ts';
import { canonicalSecret, idOfSecret, newSecret } from './secret-form.ts';

/** App passwords of one account: as many as devices, not more. */
const MOST = 50;
/** A use is written down at most this often, so that a phone that logs in every minute costs no disk. */
const NOTE_EVERY_MS = 600_000;
const MOST_NOTED = 10_000;
/** Nothing takes so long to be written. */
const LEFTOVER_MS = 3_600_000;

/** When an app password was used last, to within ten minutes. */
export interface LastUse {
  /** ISO time. */
  readonly at: string;
  readonly address: string;
}

export type ListedAppPassword = AppPasswordRecord & { readonly lastUse?: LastUse };

/**
 * App passwords as files below one folder: `ACCOUNT/ID.json` for each, `ACCOUNT/ID.used` for its last use. Every file has one kind of
 * writer and appears whole, so that the command line and any number of servers work on them at the same time without locks, and each
 * login sees what is there at that moment.
 */
export class AppPasswordFolder implements AppPasswords {
  readonly #root: string;
  readonly #log: Logger | undefined;
  readonly #now: () => number;
  readonly #noted = new LRUCache<string, number>({ max: MOST_NOTED });

  /** @param root need not exist; made with the first password */
  constructor(root: string, log?: Logger, now: () => number = Date.now) {
    this.#root = root;
    this.#log = log;
    this.#now = now;
  }

  recognises(password: string): boolean {
    return canonicalSecret(password) !== undefined;
  }

  async verify(account: AccountId, password: string, use: AppPasswordUse): Promise<AppPasswordVerdict> {
    const canonical = canonicalSecret(password);
    if (canonical === undefined) return { valid: false, reason: 'of another form' };
    const record = await this.#read(account, idOfSecret(canonical));
    if (!record || !isSecretOf(record, canonical)) return { valid: false, reason: 'unknown or revoked' };
    const reason = objection(record, use, this.#now());
    if (reason !== undefined) return { valid: false, reason };
    this.noteUse(account, record.id, use);
    return { valid: true, mark: markOf(record) };
  }

  async verifiers(account: AccountId, use: AppPasswordUse): Promise<readonly AppPasswordVerifier[]> {
    const records = await this.#readAll(account);
    return records.filter(record => objection(record, use, this.#now()) === undefined).map(verifierOf);
  }

  async holds(account: AccountId, id: string): Promise<boolean> {
    const record = await this.#read(account, id);
    return record !== undefined && !(record.expires !== undefined && Date.parse(record.expires) <= this.#now());
  }

  noteUse(account: AccountId, id: string, { address }: AppPasswordUse): void {
    const now = this.#now();
    const key = `${account}/${id}`;
    const noted = this.#noted.get(key);
    if (noted !== undefined && now - noted < NOTE_EVERY_MS) return;
    this.#noted.set(key, now);
    const lastUse: LastUse = { at: new Date(now).toISOString(), address };
    // Nobody waits for it, and a login does not fail for want of it.
    this.#writeUse(account, id, lastUse).catch((err: unknown) => {
      this.#log?.warn({ err, account, id }, 'the last use of an app password could not be written down');
    });
  }

  /**
   * Makes one; on stable storage once this resolves.
   * @returns the secret as it is to be shown, once; only its hash is kept
   * @throws RangeError when the account has as many as it may have
   */
  async create(account: AccountId, terms: AppPasswordTerms): Promise<{ secret: string; record: AppPasswordRecord }> {
    const there = await this.#ids(account);
    if (there.length >= MOST) throw new RangeError(`there are ${MOST} app passwords already; revoke some first`);
    const folder = join(this.#root, account);
    await this.#makeFolder(folder);
    await removeLeftovers(folder, this.#now());
    for (;;) {
      const secret = newSecret();
      const record = await newRecord(account, secret, terms, new Date(this.#now()));
      // One in 2^40 has the name of another.
      if (there.includes(record.id)) continue;
      await this.#writeNew(this.#file(account, record.id), `${JSON.stringify(record)}\n`);
      return { secret, record };
    }
  }

  /** From the oldest. @throws AuthError misconfigured */
  async list(account: AccountId): Promise<readonly ListedAppPassword[]> {
    const records = await this.#readAll(account);
    const listed = await Promise.all(
      records.map(async record => ({ ...record, ...(await this.#lastUse(account, record.id)) })),
    );
    return listed.toSorted((one, other) => one.created.localeCompare(other.created));
  }

  /** @returns whether it was there; gone from stable storage once this resolves */
  async revoke(account: AccountId, id: string): Promise<boolean> {
    const file = this.#file(account, id);
    try {
      await rm(file);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    await syncFolder(dirname(file));
    await rm(this.#file(account, id, 'used'), { force: true });
    return true;
  }

  #file(account: AccountId, id: string, kind: 'json' | 'used' = 'json'): string {
    if (!isAccountId(account) || !/^[a-z2-9]{8}$/.test(id))
      throw new RangeError(`"${id}" is not the id of an app password`);
    return join(this.#root, account, `${id}.${kind}`);
  }

  async #ids(account: AccountId): Promise<readonly string[]> {
    try {
      const names = await readdir(join(this.#root, account));
      return names.flatMap(name => /^([a-z2-9]{8})\.json$/.exec(name)?.[1] ?? []);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw unreadable(this.#root, error);
    }
  }

  async #readAll(account: AccountId): Promise<readonly AppPasswordRecord[]> {
    const ids = await this.#ids(account);
    const records = await Promise.all(ids.map(id => this.#read(account, id)));
    // Revoked since the folder was read.
    return records.filter(record => record !== undefined);
  }

  async #read(account: AccountId, id: string): Promise<AppPasswordRecord | undefined> {
    const file = this.#file(account, id);
    try {
      return parseRecord(await readFile(file, 'utf8'));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw unreadable(file, error);
    }
  }

  async #lastUse(account: AccountId, id: string): Promise<{ lastUse?: LastUse }> {
    try {
      const value: unknown = JSON.parse(await readFile(this.#file(account, id, 'used'), 'utf8'));
      return isLastUse(value) ? { lastUse: value } : {};
    } catch {
      // Never used, or not known: the password itself is in order.
      return {};
    }
  }

  /** Not synced: a crash may lose ten minutes of what is only told to people. */
  async #writeUse(account: AccountId, id: string, lastUse: LastUse): Promise<void> {
    const temporary = await writeTemporary(join(this.#root, account), `${JSON.stringify(lastUse)}\n`, false);
    await this.#takeOwner(temporary);
    await rename(temporary, this.#file(account, id, 'used'));
    // Revoked while it was written: nothing of it stays.
    if (!(await this.#read(account, id))) await rm(this.#file(account, id, 'used'), { force: true });
  }

  async #writeNew(file: string, content: string): Promise<void> {
    const folder = dirname(file);
    const temporary = await writeTemporary(folder, content, true);
    try {
      await this.#takeOwner(temporary);
      // Unlike a rename, it replaces nothing.
      await link(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
    await syncFolder(folder);
  }

  async #makeFolder(folder: string): Promise<void> {
    for (const path of [this.#root, folder]) {
      const made = await mkdir(path, { recursive: true, mode: 0o700 });
      if (made === undefined) continue;
      await this.#takeOwner(path);
      await syncFolder(dirname(path));
    }
  }

  /** What root makes belongs to whom the data belongs to: the server must be able to read it. */
  async #takeOwner(path: string): Promise<void> {
    if (process.getuid?.() !== 0) return;
    const { uid, gid } = await stat(dirname(this.#root));
    await chown(path, uid, gid);
  }
}

function markOf({ id, name }: AppPasswordRecord): AppPasswordMark {
  return { id, name };
}

/** @returns the path of a new file with this content, readable by its owner only */
async function writeTemporary(folder: string, content: string, sync: boolean): Promise<string> {
  const path = join(folder, `.${randomUUID()}.new`);
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    if (sync) await handle.sync();
  } finally {
    await handle.close();
  }
  return path;
}

/** Files of whoever was killed while writing them. */
async function removeLeftovers(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.new')) continue;
    const path = join(folder, name);
    const about = await stat(path).catch(() => undefined);
    if (about && now - about.mtimeMs > LEFTOVER_MS) await rm(path, { force: true });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unreadable(path: string, error: unknown): AuthError {
  const reason = error instanceof Error ? error.message : String(error);
  return new AuthError('misconfigured', `app passwords: ${path} ${reason}`, error);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function isLastUse(value: unknown): value is LastUse {
  return (
    typeof value === 'object' &&
    value !== null &&
    'at' in value &&
    typeof value.at === 'string' &&
    'address' in value &&
    typeof value.address === 'string'
  );
}
