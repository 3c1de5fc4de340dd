import { join } from 'node:path';
import { type BlobId, blobTime, isBlobId } from './blob-id.ts';

/** Digits of an id that name its outer folder: one for every 2^32 ms, 50 days. */
const OUTER_DIGITS = 4;
/** Further digits that name its inner folder: one for every 2^20 ms, 17 minutes. */
const INNER_DIGITS = 3;
const OUTER_SPAN = 2 ** 32;
const INNER_SPAN = 2 ** 20;

const OUTER = /^[0-9a-f]{4}$/;
const INNER = /^[0-9a-f]{3}$/;

/** Where a blob lies below the root. */
export interface BlobPlace {
  readonly outer: string;
  readonly inner: string;
  readonly file: string;
}

/**
 * Folders follow time: blobs kept at about the same moment share a folder and so the sync of it, and a search for old ones stops
 * at the first new folder.
 * @param root a path that does not end in a slash
 */
export function placeOf(root: string, id: BlobId): BlobPlace {
  const outer = `${root}/${id.slice(0, OUTER_DIGITS)}`;
  const inner = `${outer}/${id.slice(OUTER_DIGITS, OUTER_DIGITS + INNER_DIGITS)}`;
  return { outer, inner, file: `${inner}/${id}` };
}

/** Where puts write before the blob has its name. */
export function temporaryFolder(root: string): string {
  return join(root, 'tmp');
}

/** The first moment whose blobs lie in an outer folder of that name; undefined for names that are none. */
export function outerTime(name: string): number | undefined {
  return OUTER.test(name) ? Number.parseInt(name, 16) * OUTER_SPAN : undefined;
}

/** The first moment whose blobs lie in the inner folder of that name. */
export function innerTime(outer: string, name: string): number | undefined {
  const start = outerTime(outer);
  return start === undefined || !INNER.test(name) ? undefined : start + Number.parseInt(name, 16) * INNER_SPAN;
}

/** The first moment whose blobs no longer lie in the folder of this one. */
export function innerEnd(id: BlobId): number {
  return (Math.floor(blobTime(id) / INNER_SPAN) + 1) * INNER_SPAN;
}

/** A file of that name in that folder is a blob, and lies where it belongs. */
export function isBlobOf(outer: string, inner: string, name: string): name is BlobId {
  return isBlobId(name) && name.startsWith(outer + inner);
}
