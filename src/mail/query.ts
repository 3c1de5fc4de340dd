import type { ModSeq } from './ids.ts';
import type { UidRanges } from './uid-ranges.ts';

/**
 * What SEARCH asks (RFC 9051 §6.4.4), without sequence numbers: those are the session's. Plain data, to be sent to other threads.
 * Texts are Unicode; they match as substrings, without regard to case. Days are counted from 1970-01-01.
 */
export type Query =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | { readonly kind: 'not'; readonly part: Query }
  | { readonly kind: 'uid'; readonly uids: UidRanges }
  /** System flag as in `SYSTEM_FLAGS`, or a keyword in any case. */
  | { readonly kind: 'flag'; readonly name: string }
  /** \Recent: the uids from this one on. */
  | { readonly kind: 'recent'; readonly from: number }
  /** Day of the internal date in its own time zone; `before`: earlier than, `since`: on it or later. */
  | { readonly kind: 'received'; readonly when: 'before' | 'on' | 'since'; readonly day: number }
  /** Day that the Date field tells, in its own time zone. A message without one has the day of its internal date. */
  | { readonly kind: 'sent'; readonly when: 'before' | 'on' | 'since'; readonly day: number }
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number }
  /** A field of the message's own header; an empty text asks whether there is such a field. */
  | { readonly kind: 'header'; readonly field: string; readonly text: string }
  /** Texts of the parts, decoded. */
  | { readonly kind: 'body'; readonly text: string }
  /** Header or body. */
  | { readonly kind: 'text'; readonly text: string }
  /** Changed at or after (RFC 7162 §3.1.5). */
  | { readonly kind: 'modseq'; readonly from: ModSeq };
