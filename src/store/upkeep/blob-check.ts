import type { BlobId } from '../blobs/blob-id.ts';
import { placeOf } from '../blobs/blob-places.ts';
import { BlobReader } from '../blobs/blob-reader.ts';
import { BlobError } from '../blobs/blobs.ts';
import { nodeDisk } from '../blobs/node-disk.ts';

export type BlobState = 'sound' | 'missing' | 'damaged';

/**
 * Looks at a blob where it lies, writing nothing.
 * @param sha256 what its content must hash to, hexadecimal; undefined: that is not known
 * @param depth `ends`: that it is whole and says it is this content; `all`: reads every octet
 */
export async function checkBlob(
  root: string,
  id: BlobId,
  sha256: string | undefined,
  depth: 'ends' | 'all',
): Promise<BlobState> {
  try {
    const reader = await BlobReader.open(nodeDisk, placeOf(root, id).file, id);
    try {
      const { size, frameSize, sha256: told } = reader.layout;
      if (sha256 !== undefined && Buffer.from(told).toString('hex') !== sha256) return 'damaged';
      if (depth === 'all') for (let at = 0; at < size; at += frameSize) await reader.frame(at / frameSize);
      return 'sound';
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    if (error.kind === 'missing') return 'missing';
    if (error.kind === 'damaged' || error.kind === 'newer') return 'damaged';
    throw error;
  }
}
