import type { FlagMask } from './flags.ts';
import type { MailboxStatus } from './mailbox.ts';
import type { ContentHandle, Cursor } from './message.ts';

/** Columns that can be asked of rows; `uid` always comes. */
export type Field =
  | 'flags'
  | 'modseq'
  | 'size'
  | 'date'
  | 'saveDate'
  | 'emailId'
  | 'threadId'
  | 'envelope'
  | 'body'
  | 'structure'
  | 'header'
  | 'content';

/** Octets of many rows in one piece, so that a page can be handed from thread to thread. */
export interface ByteColumn {
  readonly bytes: Uint8Array;
  /** Where the value of a row ends, and the next begins; of an absent one: -1 - where it would end. */
  readonly ends: Int32Array;
}

/** Some rows of a mailbox by ascending UID, column by column: place n of every column is one message. */
export interface RowPage {
  readonly uids: Uint32Array;
  /** The mailbox's table of keywords, as the masks use it. */
  readonly keywords: readonly string[];
  /** `FlagMask`s. */
  readonly flags?: Float64Array;
  readonly modseqs?: Float64Array;
  /** RFC822.SIZE in octets. */
  readonly sizes?: Float64Array;
  /** Internal date in milliseconds since 1970, and minutes east of UTC. */
  readonly dates?: Float64Array;
  readonly zones?: Int16Array;
  readonly saveDates?: Float64Array;
  readonly emailIds?: readonly string[];
  readonly threadIds?: readonly string[];
  /** As they go out (RFC 9051 §7.5.2): ENVELOPE, BODY, BODYSTRUCTURE. */
  readonly envelopes?: ByteColumn;
  readonly bodies?: ByteColumn;
  readonly structures?: ByteColumn;
  /** The message's own header with the empty line behind it; absent when it is too large to be kept apart from the content. */
  readonly headers?: ByteColumn;
  readonly contents?: readonly ContentHandle[];
}

/** Changes of a mailbox after a cursor, by ascending (modseq, uid). */
export interface ChangePage {
  /** Where to go on. */
  readonly next: Cursor;
  /** Whether all up to the fence has been given. */
  readonly done: boolean;
  /** Counters at the fence or later; positions follow the fence, `next.modseq` when done. */
  readonly status: MailboxStatus;
  readonly keywords: readonly string[];
  readonly moreKeywords: boolean;
  /** Messages that are new or whose flags have changed. */
  readonly changed: { readonly uids: Uint32Array; readonly flags: Float64Array; readonly modseqs: Float64Array };
  readonly expunged: { readonly uids: Uint32Array; readonly modseqs: Float64Array };
  /**
   * `deleted`: the mailbox is no more, and there is nothing to pull. `reset`: the log does not reach back to the cursor, whose expunges
   * are forgotten, or has not come to it, because an older copy was restored. What has changed and lives is still told in full, so
   * that a resynchronisation can go on; a view cannot.
   */
  readonly gone?: 'deleted' | 'reset';
}

export function bytesAt({ bytes, ends }: ByteColumn, row: number): Uint8Array | undefined {
  const end = ends[row] ?? -1;
  if (end < 0) return undefined;
  const before = row === 0 ? 0 : (ends[row - 1] ?? 0);
  return bytes.subarray(before < 0 ? -1 - before : before, end);
}

/** @param values undefined: absent */
export function byteColumn(values: readonly (Uint8Array | undefined)[]): ByteColumn {
  const size = values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
  const bytes = new Uint8Array(size);
  const ends = new Int32Array(values.length);
  let at = 0;
  for (const [row, value] of values.entries()) {
    if (value) {
      bytes.set(value, at);
      at += value.length;
    }
    ends[row] = value ? at : -1 - at;
  }
  return { bytes, ends };
}

export type { FlagMask };
