import { mkdirSync } from 'node:fs';
import { dataPlaces } from './data-places.ts';
import { type Lock, takeLock } from './lock-file.ts';

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
 * Makes the data folder if it is not there, makes sure that it can be written, and takes it for this process alone.
 * @throws DataFolderError
 */
export function takeDataFolder(root: string): DataLock {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(root, 'cannot be made', reasonNotMade(root) ?? error);
  }
  let lock: Lock | 'taken';
  try {
    lock = takeLock(dataPlaces(root).lock);
  } catch (error) {
    throw unusable(root, 'cannot be written', error);
  }
  if (lock !== 'taken') return { root, release: lock.release };
  throw new DataFolderError(
    'taken',
    `another Postern works in ${root}`,
    'stop it, or give each server a folder of its own (server.data)',
  );
}

/** With the folders above it asked for, Node says only that something is not there, whatever the reason. */
function reasonNotMade(root: string): unknown {
  try {
    mkdirSync(root, { mode: 0o700 });
    return undefined;
  } catch (error) {
    return error;
  }
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
