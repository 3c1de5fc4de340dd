import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { abortable } from './abortable.ts';
import { BlobFolders, makeRoot, makeUnlessThere } from './blob-folders.ts';
import { type BlobId, newBlobId } from './blob-id.ts';
import { placeOf, temporaryFolder } from './blob-places.ts';
import { BlobReader } from './blob-reader.ts';
import { type ReadingPlace, readBlob } from './blob-reading.ts';
import { BlobWriter } from './blob-writer.ts';
import { BlobError, type BlobRange, type Blobs, type ListOptions, type PutOptions, type StoredBlob } from './blobs.ts';
import { Closings } from './closings.ts';
import { type Disk, onDisk } from './disk.ts';
import { removeLeftovers } from './leftovers.ts';
import { nodeDisk } from './node-disk.ts';
import { ReadMemory } from './read-memory.ts';

const DEFAULT_PAGE = 1000;
const DAY_MS = 86_400_000;

export interface DirectoryBlobsOptions {
  /** Made when it is not there. Nothing else may live in it. */
  readonly directory: string;
  /**
   * Unfinished files not written to for this long, in milliseconds, are removed on opening: more than any client may pause within
   * a message. A day by default.
   */
  readonly leftoverAge?: number;
  readonly disk?: Disk;
  /** Shared with others opened in this thread, so that together they take no more than one; its own by default. */
  readonly memory?: ReadMemory;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly random?: (octets: number) => Uint8Array;
}

/** Blobs as files in a folder. @throws BlobError when the folder cannot be made or written */
export async function openDirectoryBlobs(options: DirectoryBlobsOptions): Promise<Blobs> {
  const {
    disk = nodeDisk,
    memory = new ReadMemory(),
    leftoverAge = DAY_MS,
    now = Date.now,
    random = randomBytes,
  } = options;
  const root = resolve(options.directory);
  const temporary = temporaryFolder(root);
  await onDisk(`opening the blobs in ${root}`, async () => {
    await makeRoot(disk, root);
    if (await makeUnlessThere(disk, temporary)) await disk.syncDirectory(root);
    await removeLeftovers(disk, temporary, now() - leftoverAge);
  });
  return new DirectoryBlobs(root, disk, memory, now, random);
}

class DirectoryBlobs implements Blobs {
  readonly #root: string;
  readonly #disk: Disk;
  readonly #now: () => number;
  readonly #random: (octets: number) => Uint8Array;
  readonly #folders: BlobFolders;
  readonly #reading: ReadingPlace;
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(root: string, disk: Disk, memory: ReadMemory, now: () => number, random: (octets: number) => Uint8Array) {
    this.#root = root;
    this.#reading = { root, disk, memory, closings: new Closings(), ready: () => this.#refuseClosed() };
    this.#disk = disk;
    this.#now = now;
    this.#random = random;
    this.#folders = new BlobFolders(disk, root);
  }

  put(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: PutOptions = {}): Promise<StoredBlob> {
    return this.#run(() => this.#put(source, options));
  }

  async #put(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { size, signal }: PutOptions,
  ): Promise<StoredBlob> {
    const path = join(temporaryFolder(this.#root), `${Buffer.from(this.#random(16)).toString('hex')}.part`);
    const writer = new BlobWriter(this.#disk, path, size);
    try {
      for await (const chunk of abortable(source, signal)) await writer.add(chunk);
      // The id is drawn last: its time is what the sweep goes by, and a slow message must not be born old.
      const blob = await writer.finish(() => newBlobId(this.#now(), this.#random));
      signal?.throwIfAborted();
      await onDisk('keeping a blob', () => this.#folders.place(path, blob.id));
      return blob;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  read(id: BlobId, range: BlobRange = {}, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    return readBlob(this.#reading, id, range, signal);
  }

  async stat(id: BlobId): Promise<StoredBlob | undefined> {
    this.#refuseClosed();
    try {
      const reader = await BlobReader.open(this.#disk, placeOf(this.#root, id).file, id);
      await reader.close();
      const { size, sha256 } = reader.layout;
      return { id, size, sha256, stored: reader.stored };
    } catch (error) {
      if (error instanceof BlobError && error.kind === 'missing') return undefined;
      throw error;
    }
  }

  delete(id: BlobId): Promise<void> {
    return this.#run(() => onDisk(`deleting blob ${id}`, () => this.#delete(id)));
  }

  async #delete(id: BlobId): Promise<void> {
    try {
      await this.#folders.remove(id, this.#now());
    } finally {
      // Only now: what was read until the file went is remembered no longer.
      this.#reading.memory.forget(placeOf(this.#root, id).file);
    }
  }

  async *list(options: ListOptions = {}): AsyncGenerator<readonly BlobId[]> {
    const { olderThan = Number.POSITIVE_INFINITY, pageSize = DEFAULT_PAGE, signal } = options;
    this.#refuseClosed();
    let page: BlobId[] = [];
    const ids = this.#folders.ids(olderThan);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { done, value } = await onDisk('listing blobs', () => ids.next());
        if (done) break;
        page.push(value);
        if (page.length < pageSize) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    } finally {
      await ids.return(undefined);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
    await this.#reading.closings.ended();
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#refuseClosed();
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new BlobError('closed', 'the blobs are closed');
  }
}
