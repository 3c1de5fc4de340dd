import type { BlobId } from '../blobs/blob-id.ts';
import { type Database, octets } from './database.ts';
import { blobId, rawBlobId } from './stored-contents.ts';

/** Blobs to which nothing refers any more since before a time, in milliseconds since 1970. */
export function unreferenced(db: Database, before: number, limit: number): readonly BlobId[] {
  return db
    .all('SELECT blob FROM content WHERE refs = 0 AND idle_since < ? ORDER BY idle_since LIMIT ?', before, limit)
    .map(([blob]) => blobId(octets(blob)));
}

/** Forgets blobs that were deleted; those that are referred to are left. */
export function forget(db: Database, blobs: readonly BlobId[]): void {
  db.write(() => {
    for (const blob of blobs) db.run('DELETE FROM content WHERE blob = ? AND refs = 0', rawBlobId(blob));
  });
}

export function known(db: Database, blobs: readonly BlobId[]): ReadonlySet<BlobId> {
  return db.read(
    () => new Set(blobs.filter(blob => db.get('SELECT 1 FROM content WHERE blob = ?', rawBlobId(blob)) !== undefined)),
  );
}

/** A page of all blobs that are referred to, by their ids. */
export function references(
  db: Database,
  after: BlobId | undefined,
  limit: number,
): readonly { readonly blob: BlobId; readonly sha256: Uint8Array }[] {
  return db
    .all(
      'SELECT blob, sha256 FROM content WHERE blob > ? AND refs > 0 ORDER BY blob LIMIT ?',
      after === undefined ? new Uint8Array(0) : rawBlobId(after),
      limit,
    )
    .map(([blob, sha256]) => ({ blob: blobId(octets(blob)), sha256: octets(sha256) }));
}
