import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { MailError } from '../../mail/mail-error.ts';
import { type Database, integer } from './database.ts';
import { mailErrorOf, sqliteCodeOf } from './sqlite-error.ts';

export const OWNER_ONLY = 0o600;

/** What a file's form is made by. */
export interface Form {
  /** What makes a file of version n one of n + 1, from the empty file on. */
  readonly migrations: readonly string[];
  /** Says whose file it is. */
  readonly applicationId: number;
  /** Fills a new file, in the transaction that makes its tables. */
  readonly populate?: (db: Database) => void;
}

/** 0: there is nothing in it yet. */
export function versionOf(db: Database): number {
  return integer(db.get('PRAGMA user_version')?.[0]);
}

/**
 * Sets a file up for durable work and brings it to the current form; a copy of the old one is kept beside it.
 * @throws MailError `unavailable` (a later version's; nothing is touched), `damaged` (something else's), `no-space`
 */
export async function bringForward(db: Database, { migrations, applicationId, populate }: Form): Promise<void> {
  const current = migrations.length;
  const version = versionOf(db);
  if (version > current) {
    throw new MailError('unavailable', `${db.path} is of version ${version}; this one knows ${current}`);
  }
  if (version > 0 && integer(db.get('PRAGMA application_id')?.[0]) !== applicationId) {
    throw new MailError('damaged', `${db.path} is a database of something else`);
  }
  configure(db);
  if (version === current) return;
  if (version > 0) await keepCopy(db, version);
  db.write(() => {
    for (const step of migrations.slice(version)) db.exec(step);
    db.exec(`PRAGMA user_version = ${current}; PRAGMA application_id = ${applicationId}`);
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
    await copyPages(db, part);
    syncPath(part);
    renameSync(part, path);
    syncPath(dirname(path));
  } catch (error) {
    rmSync(part, { force: true });
    throw fileErrorOf(error, path);
  }
}

/** Again when a write of the same connection was under way at the first step: SQLite refuses it, and Node then tells no reason. */
async function copyPages(db: Database, part: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await backup(db.connection, part, { rate: COPY_PAGES });
      return;
    } catch (error) {
      const passes = PASSING.has(sqliteCodeOf(error) ?? -1);
      if (!passes || attempt === COPY_ATTEMPTS) throw error;
      await sleep(COPY_PAUSE_MS);
    }
  }
}

/** No reason (the refused first step), SQLITE_BUSY, SQLITE_LOCKED. */
const PASSING: ReadonlySet<number> = new Set([0, 5, 6]);
const COPY_ATTEMPTS = 100;
const COPY_PAUSE_MS = 10;

/** Pages copied between two looks at what else is to be done: 4 MB. */
const COPY_PAGES = 1_024;

/** A file, or a folder's names, to the disk. */
export function syncPath(path: string): void {
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
