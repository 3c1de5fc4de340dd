import type { MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import { LAST_UID } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { MailboxStatus } from '../../mail/mailbox.ts';
import { type Database, integer, type SqlRow, text } from './database.ts';
import { messageId } from './schema.ts';

/** A mailbox's row: all that is known of it without looking at its messages. Changed within a transaction, then saved. */
export interface MailboxRecord {
  readonly id: MailboxId;
  readonly name: string;
  readonly uidValidity: number;
  uidNext: number;
  modseq: number;
  /** Tombstones up to here are forgotten. */
  trimmed: number;
  messages: number;
  unseen: number;
  deleted: number;
  octets: number;
  recentFrom: number;
  /** As in the row: JSON. */
  keywordsText: string;
  keywords: readonly string[];
}

const COLUMNS = `id, name, uid_validity, uid_next, modseq, trimmed, messages, unseen, deleted, octets, recent_from, keywords`;

/** The rows of mailboxes, and what of them is kept in memory only: where \Recent begins. */
export class MailboxRecords {
  readonly #db: Database;
  readonly #now: () => number;
  /** Not written by itself: `claimRecent` needs no sync. Goes along with the next write. */
  readonly #recent = new Map<number, number>();

  /** @param now milliseconds since 1970 */
  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
    db.onCommit(() => this.#writeRecent());
  }

  /** @throws MailError of the kind given when there is none */
  load(id: MailboxId, missing: 'gone' | 'no-target' = 'gone'): MailboxRecord {
    const record = this.find(id);
    if (!record) throw new MailError(missing, `there is no mailbox ${id}`);
    return record;
  }

  find(id: MailboxId): MailboxRecord | undefined {
    return this.#record(this.#db.get(`SELECT ${COLUMNS} FROM mailbox WHERE id = ?`, id));
  }

  named(name: string): MailboxRecord | undefined {
    return this.#record(this.#db.get(`SELECT ${COLUMNS} FROM mailbox WHERE name = ?`, name));
  }

  /** Modseq of the next change: not less than the microseconds since 1970, so that a time names a position. */
  nextModSeq(record: MailboxRecord): number {
    return Math.max(record.modseq + 1, Math.floor(this.#now() * 1000));
  }

  save(record: MailboxRecord): void {
    this.#db.run(
      `UPDATE mailbox SET uid_next = ?, modseq = ?, trimmed = ?, messages = ?, unseen = ?, deleted = ?, octets = ?, keywords = ?
       WHERE id = ?`,
      record.uidNext,
      record.modseq,
      record.trimmed,
      record.messages,
      record.unseen,
      record.deleted,
      record.octets,
      record.keywordsText,
      record.id,
    );
  }

  status(record: MailboxRecord): MailboxStatus {
    return {
      id: record.id,
      at: modSeq(record.modseq),
      uidValidity: record.uidValidity,
      uidNext: uid(record.uidNext),
      exists: record.messages,
      unseen: record.unseen,
      deleted: record.deleted,
      size: record.octets,
      recentFrom: uid(record.recentFrom),
      recent: this.#recentCount(record),
    };
  }

  /** Moves `recentFrom` on, in memory. @returns where it was */
  claimRecent(record: MailboxRecord, upTo: number): number {
    const before = record.recentFrom;
    const after = Math.min(upTo, record.uidNext);
    if (after > before) {
      record.recentFrom = after;
      this.#recent.set(record.id, after);
    }
    return before;
  }

  forget(id: MailboxId): void {
    this.#recent.delete(id);
  }

  /** Writes what `claimRecent` left in memory; before the file is closed or copied. */
  flush(): void {
    // The write itself has nothing to do but what comes with every commit.
    if (this.#recent.size > 0) this.#db.write(() => {});
  }

  #writeRecent(): void {
    for (const [id, recentFrom] of this.#recent) {
      this.#db.run('UPDATE mailbox SET recent_from = max(recent_from, ?) WHERE id = ?', recentFrom, id);
    }
    // If the commit fails, they are lost: \Recent may be told twice.
    this.#recent.clear();
  }

  #recentCount({ id, recentFrom, uidNext, messages }: MailboxRecord): number {
    if (recentFrom >= uidNext) return 0;
    if (recentFrom === 1) return messages;
    const row = this.#db.get(
      'SELECT count(*) FROM message WHERE id BETWEEN ? AND ?',
      messageId(id, recentFrom),
      messageId(id, LAST_UID),
    );
    return integer(row?.[0]);
  }

  #record(row: SqlRow | undefined): MailboxRecord | undefined {
    if (!row) return undefined;
    const id = mailboxId(integer(row[0]));
    const keywordsText = text(row[11]);
    return {
      id,
      name: text(row[1]),
      uidValidity: integer(row[2]),
      uidNext: integer(row[3]),
      modseq: integer(row[4]),
      trimmed: integer(row[5]),
      messages: integer(row[6]),
      unseen: integer(row[7]),
      deleted: integer(row[8]),
      octets: integer(row[9]),
      recentFrom: Math.max(integer(row[10]), this.#recent.get(id) ?? 0),
      keywordsText,
      keywords: parseKeywords(keywordsText),
    };
  }
}

function parseKeywords(json: string): readonly string[] {
  if (json === '[]') return [];
  const parsed: unknown = JSON.parse(json);
  if (!Array.isArray(parsed)) throw new TypeError('keywords are no list');
  return parsed.map(String);
}

export function mailboxId(value: number): MailboxId {
  return value as MailboxId;
}

export function modSeq(value: number): ModSeq {
  return value as ModSeq;
}

export function uid(value: number): Uid {
  return value as Uid;
}
