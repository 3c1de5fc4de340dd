import type { MailboxId, ModSeq, Seq, Uid } from './ids.ts';

/** RFC 6154 §2, as attributes are spelled. */
export type SpecialUse = '\\Archive' | '\\Drafts' | '\\Junk' | '\\Sent' | '\\Trash' | '\\Flagged' | '\\All';

/** One mailbox of the hierarchy. Names are Unicode (NFC), levels joined by "/"; the first is INBOX in capitals, or another. */
export interface MailboxInfo {
  readonly name: string;
  /** Undefined: only a level above others, or a subscribed name that is not there. */
  readonly id: MailboxId | undefined;
  readonly subscribed: boolean;
  readonly specialUse: SpecialUse | undefined;
}

/** Counters of a mailbox at one moment. */
export interface MailboxStatus {
  readonly id: MailboxId;
  /** Position in the change log: everything up to it is in the counters. */
  readonly at: ModSeq;
  readonly uidValidity: number;
  readonly uidNext: Uid;
  readonly exists: number;
  readonly unseen: number;
  readonly deleted: number;
  /** Octets of all messages (RFC 8438). */
  readonly size: number;
  /** Messages with this UID and later ones are \Recent to whoever claims them next. */
  readonly recentFrom: Uid;
  /** How many are recent. */
  readonly recent: number;
}

/** What SELECT tells. */
export interface Snapshot extends MailboxStatus {
  readonly keywords: readonly string[];
  /** Whether a keyword that is not in the table could be stored. */
  readonly moreKeywords: boolean;
  /** Where the first unseen message is; undefined: there is none, or it would cost too much to say. */
  readonly firstUnseen: Seq | undefined;
}

/** Changes of the account's mailboxes as a whole, by name. Parents that are missing are made as levels without messages. */
export type MailboxEdit =
  | { readonly kind: 'create'; readonly name: string; readonly specialUse?: SpecialUse }
  | { readonly kind: 'delete'; readonly name: string }
  /** With all below it. Of INBOX the messages are moved to a new mailbox, and INBOX stays (RFC 9051 §6.3.6). */
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly name: string };
