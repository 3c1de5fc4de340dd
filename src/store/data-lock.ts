import { chmodSync, mkdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { dataPlaces } from './data-places.ts';

/** The data folder cannot be worked in. The message says which and why, `mend` what would help: both for the administrator. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  /** `taken`: another process works in it; `unusable`: it cannot be made, read or written. */
  readonly kind: 'taken' | 'unusable';
  readonly mend: string;

  constructor(kind: 'taken' | 'unusable', message: string, mend: string, cause?: unknown) {
    super(`${message}; ${mend}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.mend = mend;
  }
}

/** A data folder that this process alone works in. */
export interface DataLock {
  /** Absolute. */
  readonly root: string;
  release(): void;
}

/**
 * Makes the data folder if it is not there, makes sure that it can be written, and takes it for this process alone. The lock is
 * SQLite's on a file of its own, which the system takes back however the process ends; network file systems without locks are refused
 * thereby, too.
 * @throws DataFolderError
 */
export function takeDataFolder(root: string): DataLock {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(root, 'cannot be made', error);
  }
  const { lock } = dataPlaces(root);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(lock, { timeout: 0 });
    chmodSync(lock, 0o600);
    // Written once, so that a folder that can be read only is found out now and not by the first message.
    database.exec('BEGIN EXCLUSIVE; PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    throw lockFailure(root, error);
  }
  return { root, release: () => database.close() };
}

function lockFailure(root: string, error: unknown): DataFolderError {
  // SQLITE_BUSY.
  if (error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === 5) {
    return new DataFolderError(
      'taken',
      `another Postern works in ${root}`,
      'stop it, or give each server a folder of its own (server.data)',
      error,
    );
  }
  return unusable(root, 'cannot be written', error);
}

function unusable(root: string, what: string, error: unknown): DataFolderError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DataFolderError(
    'unusable',
    `server.data: ${root} ${what} (${reason})`,
    'name a folder that the user Postern runs as may write, on a disk with room',
    error,
  );
}
