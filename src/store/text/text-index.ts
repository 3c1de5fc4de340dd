import type { AccountId } from '../../mail/ids.ts';
import type { BlobId } from '../blobs/blob-id.ts';

/** What is indexed of a message: by blob, so that its copies are indexed once. */
export interface IndexedText {
  readonly blob: BlobId;
  /** Decoded and folded (`search/fold.ts`), in any pieces; a word may be cut between two. */
  readonly text: AsyncIterable<string>;
}

export interface Candidates {
  /**
   * Blobs that may hold the needle: all that do, and perhaps others. Undefined: the index cannot say, since the needle is too short
   * for it, and all must be looked at.
   */
  readonly blobs: ReadonlySet<BlobId> | undefined;
}

/**
 * Finds texts faster than reading them all. It is never the truth: what it finds is verified by `search/`, and what it does not know
 * is read. It may be lost at any time, whole or in part, also in the middle of a call; then it knows less. Implementations pass
 * `test/conformance/text-index.ts`. Nothing here fails for a reason of the data; MailError `unavailable`, `no-space` otherwise, and
 * whoever asks then goes on without it.
 */
export interface TextIndex {
  /** A blob that is there already is left as it is: its content never changes. */
  add(account: AccountId, texts: AsyncIterable<IndexedText>, signal: AbortSignal): Promise<void>;
  /** Blobs that are not there are no error. */
  remove(account: AccountId, blobs: readonly BlobId[]): Promise<void>;
  /** Of these, those that are indexed whole. The others must be read. */
  known(account: AccountId, blobs: readonly BlobId[]): Promise<ReadonlySet<BlobId>>;
  /** @param needle folded as the texts were; matches as a substring, not by words */
  candidates(account: AccountId, needle: string, signal: AbortSignal): Promise<Candidates>;
  /** Forgets an account whole. */
  drop(account: AccountId): Promise<void>;
  close(): Promise<void>;
}
