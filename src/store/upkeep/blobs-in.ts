import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, isBlobId } from '../blobs/blob-id.ts';
import { innerTime, isBlobOf, outerTime } from '../blobs/blob-places.ts';
import { codeOf } from './durable-files.ts';

/** The blobs in a folder, found without writing there. */
export async function* blobsIn(root: string): AsyncGenerator<BlobId> {
  for (const outer of await namesIn(root)) {
    if (outerTime(outer) === undefined) continue;
    for (const inner of await namesIn(join(root, outer))) {
      if (innerTime(outer, inner) === undefined) continue;
      for (const name of await namesIn(join(root, outer, inner))) {
        if (isBlobId(name) && isBlobOf(outer, inner, name)) yield name;
      }
    }
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
