import { type BlobLayout, HEADER_OCTETS, type PlacedFrame, TRAILER_OCTETS } from './blob-format.ts';
import type { BlobId } from './blob-id.ts';
import { fill, type KnownBlob, parseWhole, readAt, readLayout, sizeOf, wholeOf } from './blob-layout.ts';
import { BlobError } from './blobs.ts';
import type { Closings } from './closings.ts';
import { codeOf, diskError, type FileHandle, onDisk, type ReadingDisk } from './disk.ts';
import { decodeFrame } from './frame-codec.ts';
import { READ_OCTETS, type ReadMemory } from './read-memory.ts';

/** A file up to this long is read in one piece. */
const SMALL = 64 * 1024;
/** What a blob of one frame takes besides its content; and one more, so that reading it meets the end. */
const AROUND = HEADER_OCTETS + 8 + TRAILER_OCTETS + 1;

/** What many reads at once share: then each takes fewer calls of the system, and less memory. */
export interface SharedReading {
  readonly memory: ReadMemory;
  /** Files are closed by these, without waiting. */
  readonly closings: Closings;
}

/** A blob held open for reading; deleting it meanwhile does not disturb. Must be closed. */
export class BlobReader implements KnownBlob {
  readonly layout: BlobLayout;
  /** Octets of the file. */
  readonly stored: number;
  readonly #disk: ReadingDisk;
  readonly #shared: SharedReading | undefined;
  #file: FileHandle | undefined;
  #whole: Buffer | undefined;
  /** What is decoded is not given away: one buffer serves all frames. */
  #scratch: Buffer | undefined;

  private constructor(disk: ReadingDisk, { layout, stored }: KnownBlob, source: FileHandle | Buffer, held?: Held) {
    this.#disk = disk;
    this.layout = layout;
    this.stored = stored;
    this.#shared = held?.shared;
    this.#scratch = held?.scratch;
    if (typeof source === 'number') this.#file = source;
    else this.#whole = source;
  }

  /** Asks for the file's size first, and reads no more than is needed for the layout. @throws BlobError */
  static async open(disk: ReadingDisk, path: string, id: BlobId, shared?: SharedReading): Promise<BlobReader> {
    const file = await openFile(disk, path, id);
    let held = true;
    try {
      const stored = await sizeOf(disk, file);
      if (stored <= SMALL) {
        const whole = await readAt(disk, file, 0, stored);
        const reader = new BlobReader(disk, parseWhole(whole, id), whole);
        held = false;
        await onDisk(`reading blob ${id}`, () => disk.close(file));
        return reader;
      }
      const header = await readAt(disk, file, 0, HEADER_OCTETS);
      const known = await readLayout(disk, file, id, stored, header);
      return new BlobReader(disk, known, file, shared && { shared });
    } catch (error) {
      // Never twice: by then the number may be another file's.
      if (held) await disk.close(file).catch(() => {});
      throw named(id, error);
    }
  }

  /**
   * The same in two calls of the system where all that is wanted is in a short file: a read that gets less than it asked for has met the end.
   * @param most octets of content wanted, from its beginning on
   * @throws BlobError
   */
  static async openShort(
    disk: ReadingDisk,
    path: string,
    id: BlobId,
    shared: SharedReading,
    most: number,
  ): Promise<BlobReader> {
    const file = await openFile(disk, path, id);
    const scratch = shared.memory.takeBuffer();
    try {
      const want = Math.min(Math.max(most + AROUND, SMALL), READ_OCTETS);
      const got = await readSome(disk, file, scratch, want);
      const whole = scratch.subarray(0, got);
      const known = got < want ? wholeOf(whole, id) : undefined;
      if (known) {
        shared.closings.add(disk.close(file));
        return new BlobReader(disk, known, whole, { shared, scratch });
      }
      // Longer, or damaged, or the read was cut short: whatever it is, it is found out with the size.
      const stored = await sizeOf(disk, file);
      const header = got < HEADER_OCTETS ? await readAt(disk, file, 0, HEADER_OCTETS) : whole;
      const layout = await readLayout(disk, file, id, stored, header);
      return new BlobReader(disk, layout, file, { shared, scratch });
    } catch (error) {
      shared.memory.giveBuffer(scratch);
      shared.closings.add(disk.close(file));
      throw named(id, error);
    }
  }

  /** For the frames of a blob whose table was read before. @throws BlobError */
  static async openKnown(
    disk: ReadingDisk,
    path: string,
    id: BlobId,
    shared: SharedReading,
    known: KnownBlob,
  ): Promise<BlobReader> {
    const file = await openFile(disk, path, id);
    return new BlobReader(disk, known, file, { shared });
  }

  /**
   * The content of a frame; one at a time, and not once closed. @param index of `layout.frames`
   * @throws BlobError
   */
  async frame(index: number): Promise<Uint8Array> {
    const frame = this.layout.frames[index];
    if (!frame) throw new RangeError(`the blob has no frame ${index}`);
    const bytes = this.#whole ? this.#inMemory(this.#whole, frame) : await this.#stored(frame);
    return decodeFrame(bytes, frame, frame.size);
  }

  /** Without waiting when it was opened for shared reading. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#whole = undefined;
    if (this.#scratch) this.#shared?.memory.giveBuffer(this.#scratch);
    this.#scratch = undefined;
    if (file === undefined) return;
    if (this.#shared) this.#shared.closings.add(this.#disk.close(file));
    else await onDisk('closing a blob', () => this.#disk.close(file));
  }

  #inMemory(whole: Buffer, { position, octets, raw }: PlacedFrame): Buffer {
    const bytes = whole.subarray(position, position + octets);
    // The next read's, once this one is closed.
    return raw && this.#shared ? Buffer.from(bytes) : bytes;
  }

  async #stored({ position, octets, raw }: PlacedFrame): Promise<Buffer> {
    if (this.#file === undefined) throw new TypeError('the blob is closed');
    if (raw || octets > READ_OCTETS) return readAt(this.#disk, this.#file, position, octets);
    if (!this.#scratch || this.#scratch.length < octets) {
      this.#scratch = this.#shared ? this.#shared.memory.takeBuffer() : Buffer.allocUnsafe(octets);
    }
    const bytes = this.#scratch.subarray(0, octets);
    await fill(this.#disk, this.#file, position, bytes);
    return bytes;
  }
}

interface Held {
  readonly shared: SharedReading;
  readonly scratch?: Buffer;
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

async function readSome(disk: ReadingDisk, file: FileHandle, into: Buffer, octets: number): Promise<number> {
  try {
    return await disk.readSome(file, into.subarray(0, octets), 0);
  } catch (error) {
    throw diskError('reading a blob', error);
  }
}
