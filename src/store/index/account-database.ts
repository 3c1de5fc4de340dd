import type { MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { MailboxEdit, MailboxInfo, MailboxStatus, Snapshot } from '../../mail/mailbox.ts';
import type { Cursor, FlagChange, FlagsSet } from '../../mail/message.ts';
import type { Query } from '../../mail/query.ts';
import type { ChangePage, Field } from '../../mail/rows.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import { mailboxChanges } from './account-log.ts';
import { append } from './appending.ts';
import { forget, known, references, unreferenced } from './blob-references.ts';
import { changes, trim, uidsAt } from './change-log.ts';
import { copy } from './copying.ts';
import type { Database } from './database.ts';
import { expunge } from './expunging.ts';
import { setFlags } from './flag-changes.ts';
import type { AccountIndex, NewMailbox, NewRow } from './index-port.ts';
import { verify } from './integrity.ts';
import { type EditLimits, MailboxEdits } from './mailbox-edits.ts';
import { listMailboxes } from './mailbox-list.ts';
import { INBOX } from './mailbox-names.ts';
import { MailboxRecords } from './mailbox-record.ts';
import { rowPage } from './row-pages.ts';
import { searchPage } from './searching.ts';
import { claimRecent, snapshot } from './snapshots.ts';

/** What `AccountIndex` asks, answered at once. */
type Synchronous<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : T[K];
};

type Answers = Omit<Synchronous<AccountIndex>, 'account' | 'copyTo' | 'close'>;

export interface AccountDatabaseOptions extends EditLimits {
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One account's index in one SQLite file, synchronous: `AccountIndex` without threads. Methods as described there. */
export class AccountDatabase implements Answers {
  readonly #db: Database;
  readonly #mailboxes: MailboxRecords;
  readonly #edits: MailboxEdits;
  readonly #now: () => number;

  /** @param db a file of the current form, as `openAccountFile` gives it; closed with this */
  constructor(db: Database, options: AccountDatabaseOptions) {
    this.#db = db;
    this.#mailboxes = new MailboxRecords(db, options.now);
    this.#edits = new MailboxEdits(db, this.#mailboxes, options, options.now);
    this.#now = options.now;
  }

  /** What a new account begins with: INBOX, and the mailboxes given. Within the transaction that makes the tables. */
  populate(mailboxes: readonly NewMailbox[]): void {
    const microseconds = Math.floor(this.#now() * 1000);
    this.#db.run('INSERT INTO account (one, modseq, uid_validity, trimmed) VALUES (1, ?1, 0, ?1)', microseconds);
    if (!mailboxes.some(({ name }) => name === INBOX)) this.#edits.apply({ kind: 'create', name: INBOX });
    for (const { name, specialUse, subscribe } of mailboxes) {
      this.#edits.apply({ kind: 'create', name, ...(specialUse && { specialUse }) });
      if (subscribe) this.#edits.apply({ kind: 'subscribe', name });
    }
  }

  mailboxes(): readonly MailboxInfo[] {
    return listMailboxes(this.#db);
  }

  edit(edit: MailboxEdit): { readonly at: ModSeq; readonly touched: readonly MailboxId[] } {
    return this.#edits.edit(edit);
  }

  mailboxChanges(since: ModSeq, limit: number) {
    return mailboxChanges(this.#db, since, limit);
  }

  find(name: string): MailboxStatus {
    return this.#db.read(() => {
      const record = this.#mailboxes.named(name);
      if (!record) throw new MailError('nonexistent', `there is no mailbox ${JSON.stringify(name)}`);
      return this.#mailboxes.status(record);
    });
  }

  snapshot(mailbox: MailboxId, claim: boolean): Snapshot {
    return snapshot(this.#db, this.#mailboxes, mailbox, claim);
  }

  claimRecent(mailbox: MailboxId, upTo: Uid): Uid {
    return claimRecent(this.#mailboxes, mailbox, upTo);
  }

  uids(mailbox: MailboxId, at: ModSeq, uidNext: Uid): Uint32Array {
    return uidsAt(this.#db, this.#mailboxes, mailbox, at, uidNext);
  }

  changes(mailbox: MailboxId, since: Cursor, limit: number): ChangePage {
    return changes(this.#db, this.#mailboxes, mailbox, since, limit);
  }

  rows(mailbox: MailboxId, uids: UidRanges, want: readonly Field[], after: Uid, limit: number) {
    return rowPage(this.#db, this.#mailboxes, mailbox, uids, want, after, limit);
  }

  search(mailbox: MailboxId, query: Query, after: Uid) {
    return searchPage(this.#db, this.#mailboxes, mailbox, query, after, () => performance.now());
  }

  append(mailbox: MailboxId, rows: readonly NewRow[]) {
    return append(this.#db, this.#mailboxes, mailbox, rows);
  }

  setFlags(
    mailbox: MailboxId,
    uids: UidRanges,
    change: FlagChange,
    options: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
  ): FlagsSet {
    return setFlags(this.#db, this.#mailboxes, mailbox, uids, change, options);
  }

  copy(mailbox: MailboxId, uids: UidRanges, to: string, move: boolean) {
    return copy(this.#db, this.#mailboxes, mailbox, uids, to, move, this.#now());
  }

  expunge(mailbox: MailboxId, uids: UidRanges | undefined) {
    return expunge(this.#db, this.#mailboxes, mailbox, uids, this.#now());
  }

  trim(mailbox: MailboxId, upTo: ModSeq): void {
    trim(this.#db, this.#mailboxes, mailbox, upTo);
  }

  unreferenced(before: number, limit: number): readonly BlobId[] {
    return unreferenced(this.#db, before, limit);
  }

  forget(blobs: readonly BlobId[]): void {
    forget(this.#db, blobs);
  }

  known(blobs: readonly BlobId[]): ReadonlySet<BlobId> {
    return known(this.#db, blobs);
  }

  references(after: BlobId | undefined, limit: number) {
    return references(this.#db, after, limit);
  }

  renew(after: number): void {
    this.#edits.renew(after);
  }

  verify(): readonly string[] {
    return verify(this.#db);
  }

  /** Writes what waits and closes the file. */
  close(): void {
    try {
      this.#mailboxes.flush();
    } finally {
      this.#db.close();
    }
  }
}
