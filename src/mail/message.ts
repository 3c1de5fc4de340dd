import type { ModSeq, Uid } from './ids.ts';
import type { UidRanges } from './uid-ranges.ts';

/** A date and the time zone it was told in. */
export interface ZonedDate {
  /** Milliseconds since 1970, whole seconds. */
  readonly time: number;
  /** Minutes east of UTC. */
  readonly zone: number;
}

export interface NewMessage {
  /** Octets announced; the source has exactly as many. */
  readonly size: number;
  readonly source: AsyncIterable<Uint8Array>;
  /** System flags and keywords by name. */
  readonly flags: readonly string[];
  readonly date: ZonedDate;
}

export interface Appended {
  readonly uidValidity: number;
  readonly uids: UidRanges;
  readonly at: ModSeq;
}

/** RFC 4315 §3: the n-th of `from` became the n-th of `to`. */
export interface Copied {
  readonly uidValidity: number;
  readonly from: UidRanges;
  readonly to: UidRanges;
  /** Of the mailbox they went to. */
  readonly at: ModSeq;
}

export interface FlagChange {
  readonly kind: 'add' | 'remove' | 'replace';
  /** System flags and keywords by name. */
  readonly flags: readonly string[];
}

export interface FlagsSet {
  /** Modseq of the rows that were changed; the mailbox's own when none was. */
  readonly at: ModSeq;
  /** The mailbox's position just before: nothing else has happened between it and `at`. */
  readonly before: ModSeq;
  /** How many rows were changed: with none, what has `at` was changed by others. */
  readonly changed: number;
  /** Left alone, because they have changed since `unchangedSince` (RFC 7162 §3.1.3). */
  readonly modified: UidRanges;
  /** Not there any more. */
  readonly missing: UidRanges;
  /** Changed by this and, since `viewAt`, by somebody else: even a silent STORE must tell these. */
  readonly interleaved: UidRanges;
}

/** A section of BODY[...] (RFC 9051 §6.4.5.1): part numbers, from 1, and what is wanted of what they lead to. */
export interface Section {
  readonly path: readonly number[];
  readonly want:
    | { readonly kind: 'all' | 'header' | 'text' | 'mime' }
    | { readonly kind: 'fields'; readonly names: readonly string[]; readonly except: boolean };
}

/** Octets whose number is known before the first is read. */
export interface Content {
  readonly size: number;
  /**
   * Octets `start` to before `end`, all by default. A chunk belongs to the caller.
   * @throws MailError `damaged`, `unavailable`
   */
  read(start?: number, end?: number): AsyncIterable<Uint8Array>;
}

declare const handle: unique symbol;
/** What a row knows of where its octets lie; for `Mailbox.content`. Holds nothing open. */
export interface ContentHandle {
  readonly [handle]?: true;
  /** Octets of the message, where they are known. */
  readonly size?: number;
}

/** Position in a change log: all up to (modseq, uid) is known, of this modseq the uids up to `uid`. */
export interface Cursor {
  readonly modseq: ModSeq;
  readonly uid: Uid;
  /** While pages are being pulled: changes after it are left for the next time. */
  readonly fence?: ModSeq;
}
