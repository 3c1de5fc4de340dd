import { type BlobLayout, endOctets, HEADER_OCTETS, parseEnd, parseHeader, TRAILER_OCTETS } from './blob-format.ts';
import type { BlobId } from './blob-id.ts';
import { BlobError } from './blobs.ts';
import { type FileHandle, onDisk, type ReadingDisk } from './disk.ts';

/** Read from the end of a long file: the table of a blob of 128 MB fits. */
const TAIL = 4096 + TRAILER_OCTETS;

/** What a table said, and how long its file was. */
export interface KnownBlob {
  readonly layout: BlobLayout;
  /** Octets of the file. */
  readonly stored: number;
}

/** Octets of the file. @throws BlobError, also when no blob is that short */
export async function sizeOf(disk: ReadingDisk, file: FileHandle): Promise<number> {
  const stored = await onDisk('reading a blob', () => disk.size(file));
  if (stored < HEADER_OCTETS + TRAILER_OCTETS) throw new BlobError('damaged', `the file has ${stored} octets`);
  return stored;
}

/** Of a file in memory, all of it. @throws BlobError */
export function parseWhole(whole: Buffer, id: BlobId): KnownBlob {
  const stored = whole.length;
  const frameLog = parseHeader(whole);
  const end = whole.subarray(stored - endOctets(whole.subarray(stored - TRAILER_OCTETS), stored));
  return { layout: parseEnd(end, id, frameLog, stored), stored };
}

/** The same of what may be a part of one; undefined: it is no whole blob. */
export function wholeOf(whole: Buffer, id: BlobId): KnownBlob | undefined {
  if (whole.length < HEADER_OCTETS + TRAILER_OCTETS) return undefined;
  try {
    return parseWhole(whole, id);
  } catch (error) {
    if (error instanceof BlobError) return undefined;
    throw error;
  }
}

/** Of a long file. @param header its first octets, at least the header @throws BlobError */
export async function readLayout(
  disk: ReadingDisk,
  file: FileHandle,
  id: BlobId,
  stored: number,
  header: Buffer,
): Promise<KnownBlob> {
  const frameLog = parseHeader(header);
  const length = Math.min(TAIL, stored);
  const tail = await readAt(disk, file, stored - length, length);
  const octets = endOctets(tail.subarray(length - TRAILER_OCTETS), stored);
  const end = octets <= length ? tail.subarray(length - octets) : await readAt(disk, file, stored - octets, octets);
  return { layout: parseEnd(end, id, frameLog, stored), stored };
}

/** @throws BlobError `damaged` when the file ends early */
export async function readAt(disk: ReadingDisk, file: FileHandle, position: number, octets: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(octets);
  await fill(disk, file, position, bytes);
  return bytes;
}

/** @throws BlobError `damaged` when the file ends early */
export async function fill(disk: ReadingDisk, file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  const got = await onDisk('reading a blob', () => disk.read(file, bytes, position));
  if (got < bytes.length) throw new BlobError('damaged', 'the file ends early');
}
