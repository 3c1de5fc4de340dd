import { dirname } from 'node:path';
import { type BlobId, blobTime } from './blob-id.ts';
import { innerEnd, innerTime, isBlobOf, outerTime, placeOf } from './blob-places.ts';
import { codeOf, type Disk } from './disk.ts';
import { SharedSyncs } from './shared-syncs.ts';

/** Folders known to be durable; those in use are the newest few. */
const KNOWN = 64;
/** How often a folder may vanish between being made and being used, before it is an error. */
const ATTEMPTS = 4;
/** A folder is left alone for this long after the last moment that belongs to it, so that clocks that differ do no harm. */
const QUIET_MS = 3_600_000;

/** The tree of folders below a root: makes them durable, names files into them, and takes empty ones away. */
export class BlobFolders {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #syncs: SharedSyncs;
  /** Inner folders whose own entries, up to the root, are durable. */
  readonly #durable = new Set<string>();

  constructor(disk: Disk, root: string) {
    this.#disk = disk;
    this.#root = root;
    this.#syncs = new SharedSyncs(disk);
  }

  /** Gives the finished file its place, durably. When this throws, the file is at neither. @throws what the disk throws */
  async place(temporary: string, id: BlobId): Promise<void> {
    const { outer, inner, file } = placeOf(this.#root, id);
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (!this.#durable.has(inner)) await this.#make(outer, inner);
        await this.#disk.rename(temporary, file);
        break;
      } catch (error) {
        // An empty folder may have been taken away by whoever deletes old blobs, in this process or another.
        this.#durable.delete(inner);
        if (codeOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
      }
    }
    try {
      // Only now, when the file keeps the folder from being taken away and made anew.
      await (this.#durable.has(inner) ? this.#syncs.sync(inner) : this.#syncAll(outer, inner));
    } catch (error) {
      await this.#disk.remove(file).catch(() => {});
      throw error;
    }
  }

  /** Removes the file, durably; one that is not there is no error. @param now milliseconds since 1970 */
  async remove(id: BlobId, now: number): Promise<void> {
    const { outer, inner, file } = placeOf(this.#root, id);
    try {
      await this.#disk.remove(file);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // Somebody may have removed it and not synced yet.
    }
    await this.#syncNearest(inner);
    if (now >= innerEnd(id) + QUIET_MS) await this.#removeEmpty(inner, outer);
  }

  /** Ids of blobs kept before that time, the oldest folders first, in no order within one. */
  async *ids(olderThan: number): AsyncGenerator<BlobId> {
    for (const outer of await this.#folders(this.#root, name => before(outerTime(name), olderThan))) {
      const path = `${this.#root}/${outer}`;
      for (const inner of await this.#folders(path, name => before(innerTime(outer, name), olderThan))) {
        for await (const name of this.#entries(`${path}/${inner}`)) {
          if (isBlobOf(outer, inner, name) && blobTime(name) < olderThan) yield name;
        }
      }
    }
  }

  async #make(outer: string, inner: string): Promise<void> {
    await makeUnlessThere(this.#disk, outer);
    await makeUnlessThere(this.#disk, inner);
  }

  /** Also of folders that were there: whoever made them may have been cut off before the sync. */
  async #syncAll(outer: string, inner: string): Promise<void> {
    await Promise.all([this.#root, outer, inner].map(folder => this.#syncs.sync(folder)));
    this.#durable.add(inner);
    const oldest = this.#durable.values().next();
    if (this.#durable.size > KNOWN && !oldest.done) this.#durable.delete(oldest.value);
  }

  /** Where the folder itself is gone, what was in it is gone durably once its absence is. */
  async #syncNearest(path: string): Promise<void> {
    try {
      await this.#syncs.sync(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || path === this.#root) throw error;
      await this.#syncNearest(dirname(path));
    }
  }

  async #removeEmpty(...folders: readonly string[]): Promise<void> {
    try {
      for (const folder of folders) {
        this.#durable.delete(folder);
        await this.#disk.removeDirectory(folder);
      }
    } catch {
      // Not empty, most of the time; and a folder too many is no harm.
    }
  }

  async #folders(path: string, wanted: (name: string) => boolean): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const name of this.#entries(path)) if (wanted(name)) names.push(name);
    return names.sort();
  }

  async *#entries(path: string): AsyncGenerator<string> {
    try {
      yield* this.#disk.entries(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || path === this.#root) throw error;
    }
  }
}

function before(time: number | undefined, limit: number): boolean {
  return time !== undefined && time < limit;
}

/** Returns whether it was made. */
export async function makeUnlessThere(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.makeDirectory(path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  }
}

/** A folder and those above it, durable where they are new. */
export async function makeRoot(disk: Disk, path: string): Promise<void> {
  try {
    if (!(await makeUnlessThere(disk, path))) return;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeRoot(disk, dirname(path));
    if (!(await makeUnlessThere(disk, path))) return;
  }
  await disk.syncDirectory(dirname(path));
}
