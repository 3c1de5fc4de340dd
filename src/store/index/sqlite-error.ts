import { MailError } from '../../mail/mail-error.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that are not bugs of ours. */
const FULL = 13;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const UNAVAILABLE: ReadonlySet<number> = new Set([
  3, // PERM
  5, // BUSY
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  14, // CANTOPEN
  15, // PROTOCOL
  22, // NOLFS
]);
/** IOERR_SHMSIZE: the wal-index could not grow, as on a full disk. */
const SHARED_MEMORY_SIZE = 4874;

/**
 * What an error of SQLite means to mail: `no-space`, `damaged`, `unavailable`; a constraint that failed, wrong SQL and everything
 * else is a bug and comes back as it is.
 * @param where for the log
 */
export function mailErrorOf(error: unknown, where: string): unknown {
  const code = sqliteCodeOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  const primary = code & 0xff;
  const detail = `${where}: ${error.message} (SQLite ${code})`;
  if (primary === FULL || code === SHARED_MEMORY_SIZE) return new MailError('no-space', detail, { cause: error });
  if (primary === CORRUPT || primary === NOT_A_DATABASE) return new MailError('damaged', detail, { cause: error });
  if (UNAVAILABLE.has(primary)) return new MailError('unavailable', detail, { cause: error });
  return error;
}

/** The extended result code; undefined for an error of something else. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}
