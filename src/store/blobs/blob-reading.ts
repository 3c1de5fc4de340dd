import type { BlobId } from './blob-id.ts';
import { placeOf } from './blob-places.ts';
import { BlobReader, named, type SharedReading } from './blob-reader.ts';
import { BlobError, type BlobRange } from './blobs.ts';
import type { ReadingDisk } from './disk.ts';

/** Parts of shorter frames are not worth remembering: they are read again in no time. */
const KEPT_LEAST = 16 * 1024;
/** A range that begins here or later is one of a long blob. */
const NEAR = 64 * 1024;

/** Where blobs are read. */
export interface ReadingPlace extends SharedReading {
  readonly disk: ReadingDisk;
  readonly root: string;
  /** @throws BlobError `closed` */
  ready(): void;
}

/**
 * `Blobs.read`. Reads no more than the frames it gives parts of, and nothing of a frame of which a part was given before: a client that
 * fetches in pieces has it decoded once. Without a range, what is remembered is not used: whoever reads so may want to know what is on the disk.
 */
export async function* readBlob(
  place: ReadingPlace,
  id: BlobId,
  { start = 0, end = Number.POSITIVE_INFINITY }: BlobRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!isOffset(start) || !isOffset(end)) throw new RangeError(`octets ${start} to ${end} of a blob`);
  place.ready();
  signal?.throwIfAborted();
  const { disk, memory } = place;
  const { forgotten } = memory;
  const path = placeOf(place.root, id).file;
  const recall = start > 0 || end < Number.POSITIVE_INFINITY;
  let reader: BlobReader | undefined;
  try {
    let known = recall ? memory.known(path) : undefined;
    if (!known) {
      reader =
        start < NEAR
          ? await BlobReader.openShort(disk, path, id, place, end)
          : await BlobReader.open(disk, path, id, place);
      known = reader;
    }
    const { size, frameSize } = known.layout;
    const last = Math.min(end, size);
    for (let at = start; at < last; ) {
      signal?.throwIfAborted();
      const index = Math.floor(at / frameSize);
      const from = index * frameSize;
      const next = Math.min(from + frameSize, size);
      const to = Math.min(last, next);
      let chunk: Uint8Array | undefined = recall ? memory.copy(path, index, at - from, to - from) : undefined;
      if (!chunk) {
        reader ??= await BlobReader.openKnown(disk, path, id, place, known);
        const content = await reader.frame(index);
        chunk = content.subarray(at - from, to - from);
        if (to < next && content.length >= KEPT_LEAST) {
          chunk = Buffer.from(chunk);
          memory.keep(path, known, forgotten, { index, content });
        }
      }
      if (to === size) memory.drop(path);
      else if (to === next && to === last) memory.keep(path, known, forgotten);
      at = next;
      // A client that is slow to take the last chunk holds neither the file nor a buffer.
      if (at >= last) await reader?.close();
      yield chunk;
    }
  } catch (error) {
    // Whatever is remembered of it: the next time the file is asked.
    if (error instanceof BlobError) memory.forget(path);
    throw named(id, error);
  } finally {
    await reader?.close();
  }
}

function isOffset(value: number): boolean {
  return value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= 0);
}
