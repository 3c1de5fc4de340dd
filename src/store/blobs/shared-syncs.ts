import type { Disk } from './disk.ts';

interface Line {
  readonly running: Promise<void>;
  next?: Promise<void>;
}

/**
 * Syncs of folders, shared by all who ask while one runs: each is answered by a sync that began after it asked, so that a
 * hundred puts into one folder cost a few.
 */
export class SharedSyncs {
  readonly #disk: Disk;
  readonly #lines = new Map<string, Line>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** What was named in or removed from the folder before the call is durable when this resolves. */
  sync(path: string): Promise<void> {
    const line = this.#lines.get(path);
    if (!line) return this.#begin(path);
    // A failed one has told those who asked for it; those who came later get their own.
    line.next ??= line.running.catch(() => {}).then(() => this.#begin(path));
    return line.next;
  }

  #begin(path: string): Promise<void> {
    const line: Line = { running: this.#disk.syncDirectory(path) };
    this.#lines.set(path, line);
    const done = () => {
      if (!line.next) this.#lines.delete(path);
    };
    line.running.then(done, done);
    return line.running;
  }
}
