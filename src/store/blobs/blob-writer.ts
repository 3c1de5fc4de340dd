import { createHash } from 'node:crypto';
import { encodeEnd, encodeHeader, FRAME_LOG, type FrameEntry, HEADER_OCTETS } from './blob-format.ts';
import type { BlobId } from './blob-id.ts';
import { BlobError, type StoredBlob } from './blobs.ts';
import { type Disk, type FileHandle, onDisk } from './disk.ts';
import { encodeFrame } from './frame-codec.ts';
import { release } from './release.ts';

const FRAME = 2 ** FRAME_LOG;
const FIRST_BUFFER = 16 * 1024;
const DOING = 'keeping a blob';

/**
 * Writes one blob to a file of its own while it arrives. One frame is written while the next one fills, so that a blob takes
 * three frames' memory whatever its size. The file is made only when there is something to write: nothing of a short
 * message touches the disk before all of it has come, and then its file is written in one call.
 */
export class BlobWriter {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #announced: number | undefined;
  readonly #hash = createHash('sha256');
  readonly #frames: FrameEntry[] = [];
  #filling: Buffer;
  #filled = 0;
  #spare: Buffer | undefined;
  #size = 0;
  #file: FileHandle | undefined;
  #made = false;
  #position = 0;
  #storing: Promise<void> = Promise.resolve();

  /** @param announced octets that will come, when known */
  constructor(disk: Disk, path: string, announced?: number) {
    this.#disk = disk;
    this.#path = path;
    this.#announced = announced;
    this.#filling = Buffer.allocUnsafe(Math.min(announced ?? FIRST_BUFFER, FRAME));
  }

  /** Takes a copy of the chunk. @throws BlobError */
  async add(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#announced !== undefined && this.#size > this.#announced) {
      throw new BlobError('size', `the source has more than the ${this.#announced} octets announced`);
    }
    for (let rest = chunk; rest.length > 0; ) {
      // A full frame waits until something follows: the last one is written together with the table.
      if (this.#filled === FRAME) await this.#pass();
      const taken = Math.min(rest.length, FRAME - this.#filled);
      this.#fill(rest.subarray(0, taken));
      rest = rest.subarray(taken);
    }
  }

  /**
   * Writes what is left, and makes the file's content durable. @param newId called when all has come
   * @throws BlobError
   */
  async finish(newId: () => BlobId): Promise<StoredBlob> {
    if (this.#announced !== undefined && this.#size < this.#announced) {
      throw new BlobError('size', `the source has ${this.#size} of the ${this.#announced} octets announced`);
    }
    await this.#storing;
    const last = this.#filled === 0 ? undefined : this.#encode(this.#filling.subarray(0, this.#filled));
    const summary = { id: newId(), size: this.#size, sha256: Uint8Array.from(this.#hash.digest()) };
    const end = encodeEnd(this.#frames, summary);
    await this.#write(last ? [last, end] : [end]);
    await onDisk(DOING, async () => {
      if (this.#file === undefined) return;
      await this.#disk.syncData(this.#file);
      const file = this.#file;
      this.#file = undefined;
      await this.#disk.close(file);
    });
    return { ...summary, stored: this.#position };
  }

  /** Leaves nothing behind; for when something went wrong. Never throws: the first error is the one to tell. */
  async discard(): Promise<void> {
    // A write may still run in the background, and its descriptor must not be another file's by then.
    await settled(this.#storing);
    if (this.#file !== undefined) await settled(this.#disk.close(this.#file));
    this.#file = undefined;
    if (this.#made) await settled(this.#disk.remove(this.#path));
  }

  #fill(part: Uint8Array): void {
    const need = this.#filled + part.length;
    if (need > this.#filling.length) {
      const larger = Buffer.allocUnsafe(Math.min(Math.max(need, this.#filling.length * 2), FRAME));
      this.#filling.copy(larger, 0, 0, this.#filled);
      this.#filling = larger;
    }
    this.#filling.set(part, this.#filled);
    this.#filled = need;
  }

  /** Hands a full frame on and goes on with the other buffer, once that is free. */
  async #pass(): Promise<void> {
    await this.#storing;
    const full = this.#filling;
    this.#filling = this.#spare ?? Buffer.allocUnsafe(FRAME);
    this.#spare = full;
    this.#filled = 0;
    this.#storing = this.#store(full);
    // Whoever awaits it next is told; until then it is no unhandled rejection.
    this.#storing.catch(() => {});
  }

  async #store(content: Buffer): Promise<void> {
    const bytes = this.#encode(content);
    await this.#write([bytes]);
    if (bytes.buffer !== content.buffer) release(bytes);
  }

  #encode(content: Buffer): Uint8Array {
    this.#hash.update(content);
    const { bytes, ...entry } = encodeFrame(content);
    this.#frames.push(entry);
    return bytes;
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    await onDisk(DOING, async () => {
      const begin = this.#file === undefined;
      if (this.#file === undefined) {
        this.#file = await this.#disk.create(this.#path);
        this.#made = true;
      }
      const all = begin ? [encodeHeader(), ...chunks] : chunks;
      await this.#disk.write(this.#file, all, this.#position);
      this.#position += chunks.reduce((sum, { length }) => sum + length, begin ? HEADER_OCTETS : 0);
    });
  }
}

async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}
