import type { NewMailbox } from '../index/index-port.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Bounds and periods of the engine; times in milliseconds, sizes in octets. */
export interface EngineSettings {
  /** Most octets of a message, as announced. */
  readonly messageMost: number;
  /** Most messages that one append may bring. */
  readonly appendMost: number;
  /** Longest header that is kept in the index; header fetches of a longer one open the blob. */
  readonly headerMost: number;
  /** Accounts that stay open though nobody uses them. */
  readonly idleAccounts: number;
  /** How often a watched mailbox is looked at for changes that other processes made without a wake; 0: never. */
  readonly lookEvery: number;
  /** Rows in a page of FETCH. */
  readonly pageRows: number;
  /** How often accounts that were used are swept and trimmed; 0: never by itself. */
  readonly upkeepEvery: number;
  /** How long a blob stays after the last reference to it is gone. */
  readonly sweepGrace: number;
  /** Longer than any append may take: a younger blob that the index does not know may be one of an append that runs. */
  readonly longestAppend: number;
  /** How long is remembered what was expunged. A client that was away for longer compares the whole mailbox. */
  readonly tombstonesKept: number;
}

export const DEFAULT_SETTINGS: EngineSettings = {
  messageMost: 100 * 1024 * 1024,
  appendMost: 1000,
  headerMost: 256 * 1024,
  idleAccounts: 200,
  lookEvery: 5000,
  pageRows: 1000,
  upkeepEvery: 10 * MINUTE_MS,
  sweepGrace: HOUR_MS,
  longestAppend: DAY_MS,
  tombstonesKept: 30 * DAY_MS,
};

/** What a new account begins with (RFC 6154 §2). */
export const DEFAULT_MAILBOXES: readonly NewMailbox[] = [
  { kind: 'create', name: 'INBOX', subscribe: true },
  { kind: 'create', name: 'Drafts', specialUse: '\\Drafts', subscribe: true },
  { kind: 'create', name: 'Sent', specialUse: '\\Sent', subscribe: true },
  { kind: 'create', name: 'Junk', specialUse: '\\Junk', subscribe: true },
  { kind: 'create', name: 'Trash', specialUse: '\\Trash', subscribe: true },
  { kind: 'create', name: 'Archive', specialUse: '\\Archive', subscribe: true },
];
