import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backup } from 'node:sqlite';
import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { Database, integer } from './database.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';
import { mailErrorOf } from './sqlite-error.ts';

const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

/** Where an account's things are: `AB/ABCDEF.../` below the folder of all accounts. */
export function accountFolder(directory: string, account: AccountId): string {
  // An account's id has no other form; this is for whoever hands in something else.
  if (!/^[a-z0-9][a-z0-9-]{1,63}$/.test(account)) throw new MailError('unavailable', `${account} is no account id`);
  return join(directory, account.slice(0, 2), account);
}

export const INDEX_FILE = 'index.db';
/**
 * Empty file beside the index, made with it. Where it stands and the index does not, the index was lost: an account with mail must
 * not come back as an empty one.
 */
export const MARKER_FILE = 'index.made';

/**
 * Opens an account's index, in the current form.
 * @param populate fills a new one, in the transaction that makes it; undefined: none is to be made
 * @param migrations what makes a file of version n one of n + 1
 * @throws MailError `nonexistent`, `damaged`, `unavailable`, `no-space`
 */
export async function openAccountFile(
  folder: string,
  populate: ((db: Database) => void) | undefined,
  migrations: readonly string[] = MIGRATIONS,
): Promise<Database> {
  const path = join(folder, INDEX_FILE);
  const exists = existsSync(path);
  const marked = existsSync(join(folder, MARKER_FILE));
  if (!exists && (marked || existsSync(`${path}-wal`))) {
    throw new MailError('damaged', `${path} is missing; "postern repair" makes it anew`);
  }
  if (!exists && !populate) throw new MailError('nonexistent', `${path} is not there`);
  try {
    if (!exists) makeFile(folder, path);
    const db = new Database(path);
    try {
      await prepare(db, marked, populate, migrations);
      if (!marked) mark(folder);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw fileErrorOf(error, path);
  }
}

async function prepare(
  db: Database,
  marked: boolean,
  populate: ((db: Database) => void) | undefined,
  migrations: readonly string[],
): Promise<void> {
  const current = migrations.length;
  const version = integer(db.get('PRAGMA user_version')?.[0]);
  if (version > current) {
    throw new MailError('unavailable', `${db.path} is of version ${version}; this one knows ${current}`);
  }
  if (version > 0 && integer(db.get('PRAGMA application_id')?.[0]) !== APPLICATION_ID) {
    throw new MailError('damaged', `${db.path} is a database of something else`);
  }
  if (version === 0) {
    if (marked) throw new MailError('damaged', `${db.path} is empty`);
    if (!populate) throw new MailError('nonexistent', `${db.path} was never finished`);
  }
  configure(db);
  if (version === current) return;
  if (version > 0) await keepCopy(db, version);
  db.write(() => {
    for (const step of migrations.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${current}; PRAGMA application_id = ${APPLICATION_ID}`);
    if (version === 0) populate?.(db);
  });
}

function configure(db: Database): void {
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = 4194304;
  `);
}

/** For the way back: an older version reads this one. */
async function keepCopy(db: Database, version: number): Promise<void> {
  const path = `${db.path}.v${version}`;
  if (existsSync(path)) return;
  await copyDatabase(db, path);
}

/**
 * Copies the whole at one moment while it is used, durably. A copy that fails, or is cut off, leaves nothing under the name.
 * @throws MailError `unavailable` when there is something already
 */
export async function copyDatabase(db: Database, path: string): Promise<void> {
  const part = `${path}.part`;
  try {
    if (existsSync(path)) throw new MailError('unavailable', `${path} is there already`);
    rmSync(part, { force: true });
    closeSync(openSync(part, 'wx', OWNER_ONLY));
    await backup(db.connection, part, { rate: COPY_PAGES });
    syncPath(part);
    renameSync(part, path);
    syncPath(dirname(path));
  } catch (error) {
    rmSync(part, { force: true });
    throw fileErrorOf(error, path);
  }
}

/** Pages copied between two looks at what else is to be done: 4 MB. */
const COPY_PAGES = 1_024;

function makeFile(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  closeSync(openSync(path, 'wx', OWNER_ONLY));
  // The folders may be new; their names must be as durable as what will be in them.
  for (const one of [folder, dirname(folder), dirname(dirname(folder))]) syncPath(one);
}

function mark(folder: string): void {
  closeSync(openSync(join(folder, MARKER_FILE), 'a', OWNER_ONLY));
  syncPath(folder);
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Of the file system as of SQLite. */
export function fileErrorOf(error: unknown, path: string): unknown {
  if (error instanceof Error && 'syscall' in error && 'code' in error) {
    const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
    return new MailError(full ? 'no-space' : 'unavailable', `${path}: ${error.message}`, { cause: error });
  }
  return mailErrorOf(error, path);
}
