import {
  type BlobLayout,
  endOctets,
  HEADER_OCTETS,
  type PlacedFrame,
  parseEnd,
  parseHeader,
  TRAILER_OCTETS,
} from './blob-format.ts';
import type { BlobId } from './blob-id.ts';
import { BlobError } from './blobs.ts';
import { codeOf, diskError, type FileHandle, onDisk, type ReadingDisk } from './disk.ts';
import { decodeFrame } from './frame-codec.ts';

/** A file up to this long is read in one piece. */
const SMALL = 64 * 1024;
/** Read from the end of a longer file: the table of a blob of 128 MB fits. */
const TAIL = 4096 + TRAILER_OCTETS;

/** A blob held open for reading; deleting it meanwhile does not disturb. Must be closed. */
export class BlobReader {
  readonly layout: BlobLayout;
  /** Octets of the file. */
  readonly stored: number;
  readonly #disk: ReadingDisk;
  readonly #file: FileHandle | undefined;
  readonly #whole: Buffer | undefined;
  #scratch: Buffer | undefined;
  #closed = false;

  private constructor(disk: ReadingDisk, layout: BlobLayout, stored: number, source: FileHandle | Buffer) {
    this.#disk = disk;
    this.layout = layout;
    this.stored = stored;
    if (typeof source === 'number') this.#file = source;
    else this.#whole = source;
  }

  /** @throws BlobError */
  static async open(disk: ReadingDisk, path: string, id: BlobId): Promise<BlobReader> {
    const doing = `reading blob ${id}`;
    const file = await openFile(disk, path, id);
    let held = true;
    try {
      const stored = await onDisk(doing, () => disk.size(file));
      if (stored < HEADER_OCTETS + TRAILER_OCTETS) throw new BlobError('damaged', `the file has ${stored} octets`);
      if (stored <= SMALL) {
        const whole = await readAt(disk, file, 0, stored);
        const frameLog = parseHeader(whole);
        const end = whole.subarray(stored - endOctets(whole.subarray(stored - TRAILER_OCTETS), stored));
        const reader = new BlobReader(disk, parseEnd(end, id, frameLog, stored), stored, whole);
        held = false;
        await onDisk(doing, () => disk.close(file));
        return reader;
      }
      const frameLog = parseHeader(await readAt(disk, file, 0, HEADER_OCTETS));
      const tail = await readAt(disk, file, stored - TAIL, TAIL);
      const octets = endOctets(tail.subarray(TAIL - TRAILER_OCTETS), stored);
      const end = octets <= TAIL ? tail.subarray(TAIL - octets) : await readAt(disk, file, stored - octets, octets);
      return new BlobReader(disk, parseEnd(end, id, frameLog, stored), stored, file);
    } catch (error) {
      // Never twice: by then the number may be another file's.
      if (held) await disk.close(file).catch(() => {});
      throw named(id, error);
    }
  }

  /**
   * The content of a frame; one at a time. @param index of `layout.frames`
   * @throws BlobError
   */
  async frame(index: number): Promise<Uint8Array> {
    const frame = this.layout.frames[index];
    if (!frame) throw new RangeError(`the blob has no frame ${index}`);
    return decodeFrame(await this.#stored(frame), frame, frame.size);
  }

  async close(): Promise<void> {
    if (this.#file === undefined || this.#closed) return;
    this.#closed = true;
    const file = this.#file;
    await onDisk('closing a blob', () => this.#disk.close(file));
  }

  async #stored({ position, octets, raw }: PlacedFrame): Promise<Buffer> {
    if (this.#whole) return this.#whole.subarray(position, position + octets);
    if (this.#file === undefined) throw new TypeError('unreachable: a blob is in memory or in a file');
    if (raw) return readAt(this.#disk, this.#file, position, octets);
    // What is decoded is not given away: one buffer serves all frames.
    if (!this.#scratch || this.#scratch.length < octets) this.#scratch = Buffer.allocUnsafe(octets);
    const bytes = this.#scratch.subarray(0, octets);
    await fill(this.#disk, this.#file, position, bytes);
    return bytes;
  }
}

/** Says which blob it is about, for the log. */
export function named(id: BlobId, error: unknown): unknown {
  if (!(error instanceof BlobError) || error.message.includes(id)) return error;
  return new BlobError(error.kind, `blob ${id}: ${error.message}`, error.cause);
}

async function openFile(disk: ReadingDisk, path: string, id: BlobId): Promise<FileHandle> {
  try {
    return await disk.openRead(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new BlobError('missing', `there is no blob ${id}`, error);
    throw diskError(`reading blob ${id}`, error);
  }
}

async function readAt(disk: ReadingDisk, file: FileHandle, position: number, octets: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(octets);
  await fill(disk, file, position, bytes);
  return bytes;
}

async function fill(disk: ReadingDisk, file: FileHandle, position: number, bytes: Buffer): Promise<void> {
  const got = await onDisk('reading a blob', () => disk.read(file, bytes, position));
  if (got < bytes.length) throw new BlobError('damaged', 'the file ends early');
}
