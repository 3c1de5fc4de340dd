import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Logger } from '../observe/log.ts';

const KEY_BYTES = 32;
/** Another process writes one row at a time; whoever waits longer than this, in milliseconds, goes on without. */
const BUSY_MS = 20;
/** A store that fails does so at every login; the log is told this often at most. */
const TELL_EVERY_MS = 60_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS refused(seq INTEGER PRIMARY KEY AUTOINCREMENT, pair BLOB NOT NULL UNIQUE, until INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS tries(seq INTEGER PRIMARY KEY AUTOINCREMENT, login BLOB NOT NULL UNIQUE, count INTEGER NOT NULL, last INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS proofs(seq INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE, directory TEXT NOT NULL,
    id TEXT NOT NULL, user TEXT NOT NULL, origin BLOB NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL, proven INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS places(seq INTEGER PRIMARY KEY AUTOINCREMENT, login BLOB NOT NULL, place BLOB NOT NULL UNIQUE);
  CREATE INDEX IF NOT EXISTS places_of ON places(login);
  CREATE INDEX IF NOT EXISTS proofs_of ON proofs(directory, id);
`;

/**
 * What is known of logins for longer than a process lives, in one small SQLite file below the data folder, and the key of the hashes in
 * it in a file beside; both are their owner's alone. Every process of a server reads and writes the same file, so that it counts once for
 * all of them. A call is one row by its key: some ten microseconds, no sync (a power cut may lose the last rows, which costs a question to
 * the directory), hence no thread of its own.
 *
 * Nothing here may stop a login: a file that cannot be used is told to the log, and memory takes its place.
 */
export class IdentityStore {
  readonly #database: DatabaseSync;
  readonly #key: Buffer;
  readonly #log: Logger | undefined;
  readonly #statements = new Map<string, StatementSync>();
  #toldAt = Number.NEGATIVE_INFINITY;

  private constructor(database: DatabaseSync, key: Buffer, log: Logger | undefined) {
    this.#database = database;
    this.#key = key;
    this.#log = log;
    database.exec(SCHEMA);
  }

  /** @param folder made when it is not there */
  static open(folder: string, log?: Logger): IdentityStore {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const key = takeKey(join(folder, 'key'));
      const file = join(folder, 'identity.db');
      try {
        return new IdentityStore(openFile(file), key, log);
      } catch (error) {
        log?.error({ err: error, file }, 'what was known of logins cannot be read; it is begun anew');
        for (const ending of ['', '-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
        return new IdentityStore(openFile(file), key, log);
      }
    } catch (error) {
      log?.warn({ err: error, folder }, 'what is known of logins is kept in memory and lost at the end of the process');
      return IdentityStore.inMemory(log);
    }
  }

  static inMemory(log?: Logger): IdentityStore {
    return new IdentityStore(new DatabaseSync(':memory:'), randomBytes(KEY_BYTES), log);
  }

  /** Keyed hash of some texts, none of which may hold a NUL except the last; 16 octets. */
  mark(...texts: readonly string[]): Buffer {
    return createHmac('sha256', this.#key).update(texts.join('\0')).digest().subarray(0, 16);
  }

  /** The first row of a question; undefined when there is none or the store fails. */
  row(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#carefully(() => this.#prepared(sql).get(...values), undefined);
  }

  /** Changes rows. @returns how many, and the `seq` of the last one put in; nothing when the store fails */
  run(sql: string, ...values: SQLInputValue[]): { readonly changes: number; readonly seq: number } {
    return this.#carefully(
      () => {
        const { changes, lastInsertRowid } = this.#prepared(sql).run(...values);
        return { changes: Number(changes), seq: Number(lastInsertRowid) };
      },
      { changes: 0, seq: 0 },
    );
  }

  /** Drops all but the latest rows of a table. @param seq of the latest */
  keepLatest(table: 'refused' | 'tries' | 'proofs' | 'places', seq: number, most: number): void {
    if (seq > most) this.run(`DELETE FROM ${table} WHERE seq <= ?`, seq - most);
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #carefully<T>(work: () => T, otherwise: T): T {
    try {
      return work();
    } catch (error) {
      const now = performance.now();
      if (now - this.#toldAt >= TELL_EVERY_MS) {
        this.#toldAt = now;
        this.#log?.error({ err: error }, 'what is known of logins cannot be read or written');
      }
      return otherwise;
    }
  }
}

function openFile(file: string): DatabaseSync {
  // Before SQLite makes it readable to others; its companions take over the mode.
  if (!existsSync(file)) writeFileSync(file, '', { mode: 0o600, flag: 'a' });
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The key in the file, which is made if it is not there: whole or not at all, also when two processes begin together. */
function takeKey(file: string): Buffer {
  if (!existsSync(file)) {
    const mine = `${file}.${process.pid}.new`;
    writeFileSync(mine, randomBytes(KEY_BYTES).toString('hex'), { mode: 0o600, flush: true });
    try {
      // Unlike a rename, it replaces nothing.
      linkSync(mine, file);
    } catch (error) {
      if (!existsSync(file)) throw error;
    } finally {
      rmSync(mine, { force: true });
    }
  }
  const key = Buffer.from(readFileSync(file, 'latin1').trim(), 'hex');
  if (key.length !== KEY_BYTES) throw new Error(`${file} does not hold a key; remove it to have a new one made`);
  return key;
}
