import type { BlobId } from './blob-id.ts';

/** What the store knows of a blob once it is kept. */
export interface StoredBlob {
  readonly id: BlobId;
  /** Octets of the content. */
  readonly size: number;
  /** Octets it takes in the store, without what a file system rounds up. */
  readonly stored: number;
  /** SHA-256 of the content, 32 octets: for verifying, never for finding. */
  readonly sha256: Uint8Array;
}

export interface PutOptions {
  /** How many octets the source has; one that has more or fewer is refused. */
  readonly size?: number;
  /** Stops the put, also while the source is waited for. Without effect from the moment the blob gets its name. */
  readonly signal?: AbortSignal;
}

/** Octets `start` to before `end` of the content, clipped to what there is, as `slice` does; all of it by default. */
export interface BlobRange {
  readonly start?: number;
  readonly end?: number;
}

export interface ListOptions {
  /** Only blobs kept before this time, in milliseconds since 1970; all of them by default. */
  readonly olderThan?: number;
  /** Most ids in a page; 1,000 by default. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * Contents of messages, kept whole or not at all. A blob never changes, and its id is never used again. Implementations pass
 * `test/conformance/blobs.ts`. Any number of calls may run at once, from several processes over the same blobs.
 */
export interface Blobs {
  /**
   * Keeps what the source yields. When this resolves, the blob survives a power failure; when it throws, nothing is left. The
   * id's time is that of the end of the put, not of its beginning. Chunks are copied before the next is pulled.
   * @throws BlobError; what the source throws; the signal's reason
   */
  put(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options?: PutOptions): Promise<StoredBlob>;
  /**
   * Part of the content, in chunks of at most 256 KB, one read per chunk pulled. Chunks belong to the caller, who may `release`
   * each when it has been sent. A read that has yielded its first chunk is not disturbed by `delete`.
   * @throws BlobError (`missing`, `damaged`, `newer`: never wrong octets); RangeError; the signal's reason
   */
  read(id: BlobId, range?: BlobRange, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Undefined when there is no such blob. @throws BlobError */
  stat(id: BlobId): Promise<StoredBlob | undefined>;
  /**
   * Once this resolves, the blob is gone for good, also after a power failure. A blob that is not there is no error. Deletes
   * that run at once share their syncs. @throws BlobError
   */
  delete(id: BlobId): Promise<void>;
  /**
   * Pages of ids, roughly the oldest first, without holding more than a page. Blobs may be put and deleted meanwhile.
   * @throws BlobError; the signal's reason
   */
  list(options?: ListOptions): AsyncIterable<readonly BlobId[]>;
  /**
   * Takes no more work, and resolves when running puts and deletes have ended, and what was read is closed.
   * @throws BlobError when something that was read could not be closed; the blobs are closed all the same
   */
  close(): Promise<void>;
}

/**
 * Why the store of blobs did not do what it was asked.
 * - `missing`: no such blob
 * - `damaged`: the blob is there and its octets are not what was written
 * - `newer`: written in a form of a later version
 * - `full`: no space or quota left on the device
 * - `forbidden`: read-only, or the permissions do not suffice
 * - `busy`: out of descriptors or memory; worth trying again
 * - `size`: the source had more or fewer octets than announced
 * - `closed`: after `close`
 * - `failed`: anything else the device answers
 */
export type BlobErrorKind =
  | 'missing'
  | 'damaged'
  | 'newer'
  | 'full'
  | 'forbidden'
  | 'busy'
  | 'size'
  | 'closed'
  | 'failed';

export class BlobError extends Error {
  override readonly name = 'BlobError';
  readonly kind: BlobErrorKind;

  /** @param detail for the log; never sent to a client */
  constructor(kind: BlobErrorKind, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
