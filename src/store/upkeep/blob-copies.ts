import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BlobId } from '../blobs/blob-id.ts';
import { placeOf } from '../blobs/blob-places.ts';
import { codeOf, copyDurably, linkOrCopy, makeFolder, syncFolder } from './durable-files.ts';

/** What bringing blobs from one folder to another has come to. */
export interface Brought {
  /** Blobs that were not there before. */
  blobs: number;
  /** Octets of those, as they are stored. */
  octets: number;
  /** Of those, the ones that take no space of their own. */
  linked: number;
  /** Blobs that are not where they come from either. */
  readonly missing: BlobId[];
}

/** How many files are worked on at a time. */
const WIDTH = 16;

/**
 * Brings blobs of one account from folder to folder: those that are there already are left. What was brought survives a power failure
 * once `finish` has resolved.
 */
export class BlobCopies {
  readonly result: Brought = { blobs: 0, octets: 0, linked: 0, missing: [] };
  readonly #from: string;
  readonly #to: string;
  readonly #link: boolean;
  readonly #made = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;

  /** @param link whether both may be the same file under two names, where the file system can do that */
  constructor(from: string, to: string, link: boolean) {
    this.#from = from;
    this.#to = to;
    this.#link = link;
  }

  /** Begins with one, and waits while too many are under way. @throws what any of them threw */
  async bring(id: BlobId): Promise<void> {
    while (this.#running.size >= WIDTH) await Promise.race(this.#running);
    this.#rethrow();
    const one = this.#bring(id)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#running.delete(one));
    this.#running.add(one);
  }

  /** @throws what any of them threw */
  async finish(): Promise<Brought> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#rethrow();
    for (const folder of this.#made) await syncFolder(folder);
    if (this.#made.size > 0) await syncFolder(this.#to);
    return this.result;
  }

  async #bring(id: BlobId): Promise<void> {
    const from = placeOf(this.#from, id).file;
    const to = placeOf(this.#to, id);
    if ((await sizeOf(to.file)) !== undefined) return;
    const octets = await sizeOf(from);
    if (octets === undefined) {
      this.result.missing.push(id);
      return;
    }
    if (!this.#made.has(to.inner)) {
      await makeFolder(to.inner);
      this.#made.add(to.inner).add(dirname(to.inner));
    }
    const way = await this.#copy(from, to.file);
    if (way === 'gone') {
      this.result.missing.push(id);
      return;
    }
    this.result.blobs += 1;
    this.result.octets += octets;
    if (way === 'linked') this.result.linked += 1;
  }

  /** `gone`: deleted since it was seen. */
  async #copy(from: string, to: string): Promise<'linked' | 'copied' | 'gone'> {
    try {
      if (this.#link) return await linkOrCopy(from, to);
      await copyDurably(from, to);
      return 'copied';
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && (await sizeOf(from)) === undefined) return 'gone';
      throw error;
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Octets of a file; undefined when there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
