import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type AccountId, isAccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { accountPlaces } from '../data-places.ts';
import { Database } from './database.ts';
import { bringForward, fileErrorOf, OWNER_ONLY, syncPath, versionOf } from './database-file.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

const OWNER_ONLY_FOLDER = 0o700;

/** Where an account's things are: `AB/ABCDEF.../` below the folder of all accounts. @throws MailError `unavailable` */
export function accountFolder(directory: string, account: AccountId): string {
  // An account's id has no other form; this is for whoever hands in something else.
  if (!isAccountId(account)) throw new MailError('unavailable', `${JSON.stringify(account)} is no account id`);
  return accountPlaces(directory, account).folder;
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
      if (!exists) mark(folder);
      else if (!marked) tryToMark(folder);
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
  if (versionOf(db) === 0) {
    if (marked) throw new MailError('damaged', `${db.path} is empty`);
    if (!populate) throw new MailError('nonexistent', `${db.path} was never finished`);
  }
  await bringForward(db, { migrations, applicationId: APPLICATION_ID, ...(populate && { populate }) });
}

function makeFile(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  closeSync(openSync(path, 'wx', OWNER_ONLY));
  // The folders may be new; their names must be as durable as what will be in them.
  for (const one of [folder, dirname(folder), dirname(dirname(folder))]) syncPath(one);
}

/** Beside a file that was there before, a restored one: what is full or read-only must not keep it from being read. */
function tryToMark(folder: string): void {
  try {
    mark(folder);
  } catch (error) {
    if (!(fileErrorOf(error, folder) instanceof MailError)) throw error;
  }
}

function mark(folder: string): void {
  closeSync(openSync(join(folder, MARKER_FILE), 'a', OWNER_ONLY));
  syncPath(folder);
}
