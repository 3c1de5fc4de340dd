import { closeSync, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { type AccountId, isAccountId } from '../../mail/ids.ts';
import { Database, integer, type SqlRow, text } from '../index/database.ts';
import { bringForward, copyDatabase, fileErrorOf, OWNER_ONLY, syncPath } from '../index/database-file.ts';
import type { AccountOwner, AccountRecord } from './catalogue.ts';

const FIRST = `
  CREATE TABLE account (
    id TEXT PRIMARY KEY,
    directory TEXT NOT NULL,
    entry TEXT NOT NULL,
    login TEXT NOT NULL,
    created INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    UNIQUE (directory, entry)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX account_login ON account (login);
`;
const MIGRATIONS: readonly string[] = [FIRST];
/** 'Pcat' in ASCII. */
const APPLICATION_ID = 0x50636174;
const SEEN_APART_MS = 3_600_000;
const COLUMNS = 'id, directory, entry, login, created, seen';

/** `Catalogue` in one SQLite file, synchronous. */
export class CatalogueDatabase {
  readonly #db: Database;
  readonly #now: () => number;

  private constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** @param now milliseconds since 1970 @throws MailError `unavailable`, `damaged`, `no-space` */
  static async open(path: string, now: () => number): Promise<CatalogueDatabase> {
    try {
      if (!existsSync(path)) {
        closeSync(openSync(path, 'wx', OWNER_ONLY));
        syncPath(dirname(path));
      }
      const db = new Database(path);
      try {
        await bringForward(db, { migrations: MIGRATIONS, applicationId: APPLICATION_ID });
        return new CatalogueDatabase(db, now);
      } catch (error) {
        db.close();
        throw error;
      }
    } catch (error) {
      throw fileErrorOf(error, path);
    }
  }

  record(account: AccountId, { directory, entry, login }: AccountOwner): void {
    const now = this.#now();
    const known = this.find(account);
    const same = known?.directory === directory && known.entry === entry && known.login === login;
    if (same && now - known.seen < SEEN_APART_MS) return;
    this.#db.write(() => {
      // A clock that was set back must not undo what was seen.
      this.#db.run(
        `INSERT INTO account (${COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (id) DO UPDATE SET directory = ?2, entry = ?3, login = ?4, seen = max(seen, ?5)`,
        account,
        directory,
        entry,
        login,
        now,
      );
    });
  }

  find(account: AccountId): AccountRecord | undefined {
    const row = this.#db.get(`SELECT ${COLUMNS} FROM account WHERE id = ?`, account);
    return row && recordOf(row);
  }

  findByLogin(login: string): readonly AccountRecord[] {
    return this.#db.all(`SELECT ${COLUMNS} FROM account WHERE login = ? ORDER BY seen DESC`, login).map(recordOf);
  }

  list(after: AccountId | undefined, limit: number): readonly AccountRecord[] {
    return this.#db
      .all(`SELECT ${COLUMNS} FROM account WHERE id > ? ORDER BY id LIMIT ?`, after ?? '', limit)
      .map(recordOf);
  }

  forget(account: AccountId): void {
    this.#db.write(() => this.#db.run('DELETE FROM account WHERE id = ?', account));
  }

  copyTo(path: string): Promise<void> {
    return copyDatabase(this.#db, path);
  }

  close(): void {
    this.#db.close();
  }
}

function recordOf([id, directory, entry, login, created, seen]: SqlRow): AccountRecord {
  const account = text(id);
  if (!isAccountId(account)) throw new TypeError('the catalogue holds an account without an id');
  return {
    account,
    directory: text(directory),
    entry: text(entry),
    login: text(login),
    created: integer(created),
    seen: integer(seen),
  };
}
