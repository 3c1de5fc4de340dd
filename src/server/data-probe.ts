import { statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../observe/log.ts';

/** How the data folder is. */
export interface DataState {
  /** Octets left for mail; undefined when nobody can tell. */
  readonly free: number | undefined;
  /** Why nothing can be written; undefined when it can. */
  readonly fault: string | undefined;
}

const EVERY_MS = 30_000;

/**
 * Tries from time to time whether the data folder can be written, and says so in the log when that changes. A server that cannot write
 * stays ready: mail can still be read, and nobody else has it.
 */
export class DataProbe {
  readonly #root: string;
  readonly #log: Logger;
  #state: DataState = { free: undefined, fault: undefined };
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(root: string, log: Logger) {
    this.#root = root;
    this.#log = log;
    void this.#look();
  }

  get state(): DataState {
    return this.#state;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const before = this.#state;
    this.#state = { free: await freeOctets(this.#root), fault: await writeFault(this.#root) };
    const { free, fault } = this.#state;
    if (fault !== undefined && before.fault === undefined) {
      this.#log.error(
        { data: this.#root, free, reason: fault },
        'the data folder cannot be written: mail can only be read',
      );
    }
    if (fault === undefined && before.fault !== undefined) {
      this.#log.info({ data: this.#root, free }, 'the data folder can be written again');
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), EVERY_MS).unref();
  }
}

async function freeOctets(root: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(root);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** A block of its own, so that a disk without one is found out. */
async function writeFault(root: string): Promise<string | undefined> {
  try {
    await writeFile(join(root, '.probe'), Buffer.alloc(4096), { mode: 0o600 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
