import type { FlagMask } from '../../mail/flags.ts';
import type { AccountId, MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import type { MailboxEdit, MailboxInfo, MailboxStatus, Snapshot } from '../../mail/mailbox.ts';
import type { Copied, Cursor, FlagChange, FlagsSet } from '../../mail/message.ts';
import type { Query } from '../../mail/query.ts';
import type { ChangePage, Field, RowPage } from '../../mail/rows.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import type { BlobId } from '../blobs/blob-id.ts';

/**
 * What is known of mail apart from its octets: mailboxes, flags, change log, envelopes, which blob holds what. Implementations pass
 * `test/conformance/index.ts`.
 *
 * One call is one transaction, or one page of a reading. What a writing call resolves to survives a power failure, except
 * `claimRecent`. Modseqs and UIDs are given out under the mailbox's write lock, so that their order is the order of the commits. A
 * modseq is not less than the microseconds since 1970 when it is given out, so that a time names a position (for `trim`).
 * Methods throw MailError (`nonexistent`, `no-target`, `already-exists`, `cannot`, `limit`, `no-space`, `damaged`, `unavailable`).
 */
export interface Index {
  /**
   * Opens an account's index, brought to the current form.
   * @param create make one, with INBOX and the special-use folders given, when there is none
   * @throws MailError `nonexistent` when there is none and none is to be made; `damaged`; `unavailable` (a later version wrote it)
   */
  open(account: AccountId, create?: { readonly mailboxes: readonly NewMailbox[] }): Promise<AccountIndex>;
  close(): Promise<void>;
}

/** How findings of `verify` begin that are of the storage itself: what it answers may be anything. */
export const UNSOUND = 'unsound: ';

export type NewMailbox = Extract<MailboxEdit, { kind: 'create' }> & { readonly subscribe: boolean };

/** What the store knows of a message before it has a UID. */
export interface NewRow {
  readonly blob: BlobId;
  /** SHA-256 of the content. */
  readonly sha256: Uint8Array;
  /** Octets of the message, and of its header with the empty line. */
  readonly size: number;
  /** Undefined: too large to be kept here. */
  readonly header: Uint8Array | undefined;
  /** As they go out. */
  readonly envelope: Uint8Array;
  readonly body: Uint8Array;
  readonly structure: Uint8Array;
  /** Where its parts lie (`mime/layout.ts`), encoded. */
  readonly layout: Uint8Array;
  /** Day of the Date field since 1970 in its own zone; undefined: it has none that can be read. */
  readonly sentDay: number | undefined;
  readonly flags: readonly string[];
  readonly time: number;
  readonly zone: number;
  readonly saveTime: number;
  /** RFC 8474 §5.1. */
  readonly emailId: string;
}

/** What `rows` gives as `contents`: enough to find every section. */
export interface StoredContent {
  readonly uid: Uid;
  readonly blob: BlobId;
  readonly size: number;
  readonly layout: Uint8Array;
  readonly header: Uint8Array | undefined;
}

export interface StoredRowPage extends Omit<RowPage, 'contents'> {
  readonly contents?: readonly StoredContent[];
  /** The last uid that was looked at; undefined: there are no more. */
  readonly next: Uid | undefined;
}

export interface SearchPage {
  /** Found by what the index knows. */
  readonly found: Uint32Array;
  /** What is left of the query for them can only be answered by their texts; `residual` is a place in `residuals`. */
  readonly undecided: readonly {
    readonly content: StoredContent;
    readonly residual: number;
    readonly modseq: ModSeq;
  }[];
  readonly residuals: readonly Query[];
  readonly maxModSeq: ModSeq;
  readonly next: Uid | undefined;
}

export interface Expunged {
  readonly at: ModSeq;
  readonly count: number;
}

/** One account's index. */
export interface AccountIndex {
  readonly account: AccountId;
  mailboxes(): Promise<readonly MailboxInfo[]>;
  /** @returns position in the account's own log, and the mailboxes that watchers should be woken for */
  edit(edit: MailboxEdit): Promise<{ readonly at: ModSeq; readonly touched: readonly MailboxId[] }>;
  /** What happened to mailboxes and subscriptions after a position, oldest first (for NOTIFY). */
  mailboxChanges(since: ModSeq, limit: number): Promise<MailboxChanges>;
  /** @throws MailError `nonexistent` */
  find(name: string): Promise<MailboxStatus>;

  /** @throws MailError `gone` */
  snapshot(mailbox: MailboxId, claimRecent: boolean): Promise<Snapshot>;
  claimRecent(mailbox: MailboxId, upTo: Uid): Promise<Uid>;
  uids(mailbox: MailboxId, at: ModSeq, uidNext: Uid): Promise<Uint32Array>;
  changes(mailbox: MailboxId, since: Cursor, limit: number): Promise<ChangePage>;
  /**
   * One page: at most `limit` rows and about 1 MB, of the uids after `after`.
   * @param want `content` gives `StoredContent`s
   */
  rows(mailbox: MailboxId, uids: UidRanges, want: readonly Field[], after: Uid, limit: number): Promise<StoredRowPage>;
  /** One page; takes at most about 20 ms. */
  search(mailbox: MailboxId, query: Query, after: Uid): Promise<SearchPage>;

  append(
    mailbox: MailboxId,
    rows: readonly NewRow[],
  ): Promise<{ readonly uidValidity: number; readonly first: Uid; readonly at: ModSeq }>;
  setFlags(
    mailbox: MailboxId,
    uids: UidRanges,
    change: FlagChange,
    options: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
  ): Promise<FlagsSet>;
  copy(
    mailbox: MailboxId,
    uids: UidRanges,
    to: string,
    move: boolean,
  ): Promise<Copied & { readonly target: MailboxId; readonly movedAt: ModSeq | undefined }>;
  /** Only what has \Deleted, looked at within the transaction. */
  expunge(mailbox: MailboxId, uids: UidRanges | undefined): Promise<Expunged>;

  /** Forgets tombstones up to a position; what is gone already is no error. */
  trim(mailbox: MailboxId, upTo: ModSeq): Promise<void>;
  /** Blobs to which nothing refers any more since before `before` (milliseconds since 1970), with at most `limit` in a page. */
  unreferenced(before: number, limit: number): Promise<readonly BlobId[]>;
  /** Forgets such blobs, after they were deleted. */
  forget(blobs: readonly BlobId[]): Promise<void>;
  /** Of these blobs, those that the index knows, referred to or not. */
  known(blobs: readonly BlobId[]): Promise<ReadonlySet<BlobId>>;
  /** Pages of all blobs that are referred to, for repair and backup; `after` is the last one of the page before. */
  references(
    after: BlobId | undefined,
    limit: number,
  ): Promise<readonly { readonly blob: BlobId; readonly sha256: Uint8Array }[]>;
  /**
   * For what was restored or mended: every mailbox gets a new UIDVALIDITY, above `after` and all it ever gave, a modseq from the wall
   * clock, and forgets its tombstones; whoever has it open learns that it was `reset`.
   */
  renew(after: number): Promise<void>;
  /** Copies the index, whole and at one moment, to a new file, while others go on. */
  copyTo(path: string): Promise<void>;
  /** What is wrong with it; empty: nothing. What begins with `UNSOUND` says that it cannot be relied on. Slow. */
  verify(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface MailboxChanges {
  /** Where to go on. */
  readonly at: ModSeq;
  readonly done: boolean;
  /** The log does not reach back to the position: more has happened than is told. */
  readonly reset?: true;
  readonly changes: readonly {
    readonly at: ModSeq;
    readonly kind: 'created' | 'deleted' | 'renamed' | 'subscribed' | 'unsubscribed';
    readonly name: string;
    readonly to?: string;
  }[];
}

export type { FlagMask };
