import type { MailboxId, ModSeq, Uid } from './ids.ts';
import type { MailboxEdit, MailboxInfo, MailboxStatus, Snapshot } from './mailbox.ts';
import type {
  Appended,
  Content,
  ContentHandle,
  Copied,
  Cursor,
  FlagChange,
  FlagsSet,
  NewMessage,
  Section,
} from './message.ts';
import type { Query } from './query.ts';
import type { ChangePage, Field, RowPage } from './rows.ts';
import type { UidRanges } from './uid-ranges.ts';

/** Something has changed; what, is to be pulled. `mailbox` is undefined for changes of the mailboxes as such. */
export interface Wake {
  readonly mailbox: MailboxId | undefined;
  readonly at: ModSeq;
}

/**
 * One owner's mailboxes as one session sees them. Everything here may throw MailError, and nothing else unless it is a bug. Names
 * are those of `MailboxInfo`, already normalised. No method waits for a client, except through what the client itself sends.
 */
export interface Store {
  /** All mailboxes, levels above them and subscribed names, by name. */
  list(): Promise<readonly MailboxInfo[]>;
  /** @throws MailError `nonexistent` */
  status(name: string): Promise<MailboxStatus>;
  /** @throws MailError `nonexistent`, `already-exists`, `cannot`, `limit` */
  edit(edit: MailboxEdit): Promise<void>;
  /** @throws MailError `nonexistent` */
  open(name: string, readOnly: boolean): Promise<Mailbox>;
  /**
   * All or none, in order. The name and the room for it are looked at before the first octet is pulled; bare line feeds become CRLF.
   * When this resolves the messages survive a power failure.
   * @throws MailError `nonexistent` (the mailbox could be created), `too-big`, `over-quota`, `no-space`, `limit`
   */
  append(name: string, messages: AsyncIterable<NewMessage>, signal: AbortSignal): Promise<Appended>;
  /** Wakes for one mailbox, or for all. Several that wait become one. Subscribe before pulling. Ends with the signal, never throws. */
  watch(scope: { readonly mailbox?: MailboxId }, signal: AbortSignal): AsyncIterable<Wake>;
  close(): Promise<void>;
}

/** One open mailbox. It has no sequence numbers; messages are named by UID, and those that are gone are passed over. */
export interface Mailbox {
  readonly id: MailboxId;
  readonly readOnly: boolean;
  /** @param claimRecent the messages that are recent shall be so for nobody else */
  snapshot(claimRecent: boolean): Promise<Snapshot>;
  /** Moves `recentFrom` on to `upTo`; returns where it was. Without a sync: it may be forgotten in a crash. */
  claimRecent(upTo: Uid): Promise<Uid>;
  /** The UIDs that were there at a position not older than the oldest still leased, ascending. */
  uids(at: ModSeq, uidNext: Uid): Promise<Uint32Array>;
  /** @param limit most changes in a page */
  changes(since: Cursor, limit: number): Promise<ChangePage>;
  /** Keeps tombstones after `at` from being trimmed; the newest call of this mailbox counts. */
  lease(at: ModSeq): void;
  /** Pages of a bounded size in octets and rows. */
  rows(uids: UidRanges, want: readonly Field[], signal: AbortSignal): AsyncIterable<RowPage>;
  /** @returns undefined: there is no such section, or the message is gone */
  content(of: ContentHandle, section: Section, signal: AbortSignal): Promise<Content | undefined>;
  /** @returns UIDs ascending, and the highest modseq among them (RFC 7162 §3.1.5) */
  search(query: Query, signal: AbortSignal): Promise<{ readonly uids: Uint32Array; readonly maxModSeq: ModSeq }>;
  /** One transaction. @throws MailError `read-only`, `limit` (too many keywords) */
  setFlags(
    uids: UidRanges,
    change: FlagChange,
    options: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
  ): Promise<FlagsSet>;
  /**
   * One transaction, all or none; also into the mailbox they are in. Flags, dates and email ids go along.
   * @throws MailError `nonexistent` (the mailbox could be created), `read-only` (of a move)
   */
  copy(uids: UidRanges, to: string, move: boolean): Promise<Copied>;
  /**
   * Removes what is \Deleted, within the uids if there are some. One transaction.
   * @returns the mailbox's position after it @throws MailError `read-only`
   */
  expunge(uids: UidRanges | undefined): Promise<ModSeq>;
  close(): Promise<void>;
}
