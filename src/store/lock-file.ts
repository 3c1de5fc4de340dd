import { chmodSync, chownSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A file that this process alone holds. */
export interface Lock {
  readonly release: () => void;
}

/** SQLITE_BUSY. */
const BUSY = 5;

/**
 * Takes a file for this process alone, making it if need be. The lock is SQLite's, which the system takes back however the process
 * ends; a file system that knows no locks throws.
 * @throws what SQLite throws when the file cannot be made or written
 */
export function takeLock(path: string): Lock | 'taken' {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    chmodSync(path, 0o600);
    if (process.getuid?.() === 0) {
      // Root's commands must not lock out the server, which runs as the owner of the folder.
      const { uid, gid } = statSync(dirname(path));
      chownSync(path, uid, gid);
    }
    // Written once, so that a folder that can only be read is found out now.
    database.exec('BEGIN EXCLUSIVE; PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === BUSY) return 'taken';
    throw error;
  }
  const held = database;
  return { release: () => held.close() };
}
