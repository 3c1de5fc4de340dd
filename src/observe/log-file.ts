import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** How much may wait for a destination that does not keep up; what comes on top is lost and counted. */
const DEFAULT_BUFFER = 1024 * 1024;
const RETRY_MS = 50;
/** Attempts of `flush` at a pipe that is full, 10 ms apart: an exit is not held up for longer. */
const FLUSH_ATTEMPTS = 20;

export interface LogFileOptions {
  /** Told of lines that were lost, and why; called at most once per batch. */
  readonly onLost?: (lines: number, reason: string) => void;
  /** Most bytes waiting to be written. */
  readonly buffer?: number;
  readonly mode?: number;
  /** The file must not exist yet, so that nobody can lay out a link to be followed. */
  readonly exclusive?: boolean;
}

/** A path, or a descriptor of the process (1 for stdout), which is never closed. */
export type LogTarget = string | number;

interface Batch {
  readonly fd: number;
  readonly bytes: Buffer;
  readonly lines: number;
  offset: number;
}

/**
 * Lines appended to a file or a descriptor without ever blocking or failing the caller: one write at a time runs in the
 * background, lines wait in a bounded buffer meanwhile. A full disk, a closed pipe or a reader that stopped costs lines, which
 * are counted, and nothing else. (The usual log streams for this retry a full disk for ever when flushed, and sleep on the event
 * loop when a pipe is full.)
 */
export class LogFile {
  readonly #options: LogFileOptions;
  readonly #most: number;
  #fd: number;
  #target: LogTarget;
  #ours: boolean;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #batch: Batch | undefined;
  #retry: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #retired: number[] = [];
  #closed = false;
  /** Attempts left at a full pipe once closed. */
  #lastRetries = 20;
  readonly #end = Promise.withResolvers<void>();
  /** The last write ended within a line: the next one starts on a new one. */
  #torn = false;

  /** @throws when the file cannot be opened */
  constructor(target: LogTarget, options: LogFileOptions = {}) {
    this.#options = options;
    this.#most = options.buffer ?? DEFAULT_BUFFER;
    this.#target = target;
    const opened = open(target, options);
    this.#fd = opened.fd;
    this.#ours = opened.ours;
  }

  /**
   * @param line with its line end
   * @param last one of few lines that close a file: taken even when too much is waiting
   * @returns false when it was lost at once, because too much is waiting
   */
  write(line: string, last = false): boolean {
    // Counted in UTF-16 units: the limit is about memory, and exactness would cost a pass over every line.
    if (this.#closed || (!last && this.#waitingBytes + line.length > this.#most)) {
      this.#lost(1, this.#closed ? 'the log is closed' : 'the destination does not keep up');
      return false;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (!this.#batch) this.#scheduled ??= setImmediate(() => this.#send());
    return true;
  }

  /**
   * Opens the path again, after it was renamed by log rotation, or another one. Nothing for a descriptor.
   * @throws when the file cannot be opened; the old one then stays in use
   */
  reopen(target: LogTarget = this.#target): void {
    if (this.#closed || (typeof target === 'number' && target === this.#target)) return;
    const opened = open(target, this.#options);
    if (this.#ours) this.#retired.push(this.#fd);
    this.#fd = opened.fd;
    this.#ours = opened.ours;
    this.#target = target;
    this.#torn = false;
    if (!this.#batch) this.#closeRetired();
  }

  /** Writes what waits, now; for the end of the process. A write already under way is finished by the system. */
  flush(): void {
    let bytes = Buffer.from(this.#waiting.join(''));
    let lines = this.#waiting.length;
    if (this.#retry && this.#batch) {
      clearTimeout(this.#retry);
      this.#retry = undefined;
      bytes = Buffer.concat([this.#batch.bytes.subarray(this.#batch.offset), bytes]);
      lines += linesFrom(this.#batch);
      this.#batch = undefined;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (let offset = 0, attempts = 0; offset < bytes.length; ) {
      try {
        offset += writeSync(this.#fd, bytes, offset);
      } catch (error) {
        attempts += 1;
        if (!isBusy(error) || attempts > FLUSH_ATTEMPTS) {
          this.#lost(lines, reasonOf(error));
          return;
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }

  /** Takes no more lines, writes what waits in order, and closes; resolves then, and soon also when nobody reads. */
  close(): Promise<void> {
    if (this.#closed) return this.#end.promise;
    this.#closed = true;
    if (!this.#batch) {
      clearImmediate(this.#scheduled);
      this.#send();
    }
    return this.#end.promise;
  }

  #send(): void {
    this.#scheduled = undefined;
    if (this.#batch) return;
    if (this.#waiting.length === 0) {
      if (!this.#closed) return;
      if (this.#ours) this.#retired.push(this.#fd);
      this.#closeRetired();
      this.#end.resolve();
      return;
    }
    const text = `${this.#torn ? '\n' : ''}${this.#waiting.join('')}`;
    this.#torn = false;
    this.#batch = { fd: this.#fd, bytes: Buffer.from(text), lines: this.#waiting.length, offset: 0 };
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#continue(this.#batch);
  }

  #continue(batch: Batch): void {
    write(batch.fd, batch.bytes, batch.offset, batch.bytes.length - batch.offset, null, (error, written) => {
      if (error) {
        if (isBusy(error) && (!this.#closed || this.#lastRetries > 0)) {
          if (this.#closed) this.#lastRetries -= 1;
          this.#retry = setTimeout(() => {
            this.#retry = undefined;
            this.#continue(batch);
          }, RETRY_MS).unref();
          return;
        }
        this.#torn = batch.offset > 0 && batch.fd === this.#fd && batch.bytes[batch.offset - 1] !== 0x0a;
        this.#lost(linesFrom(batch), reasonOf(error));
        this.#finish();
        return;
      }
      batch.offset += written;
      if (batch.offset < batch.bytes.length) this.#continue(batch);
      else this.#finish();
    });
  }

  #finish(): void {
    this.#batch = undefined;
    this.#closeRetired();
    this.#send();
  }

  #closeRetired(): void {
    for (const fd of this.#retired.splice(0)) {
      try {
        closeSync(fd);
      } catch {
        // A failing disk says so once more here; there is nothing left to save.
      }
    }
  }

  #lost(lines: number, reason: string): void {
    this.#options.onLost?.(lines, reason);
  }
}

function open(target: LogTarget, options: LogFileOptions): { fd: number; ours: boolean } {
  if (typeof target === 'number') return openDescriptor(target);
  const fd = openSync(target, options.exclusive ? 'ax' : 'a', options.mode ?? 0o640);
  return { fd, ours: true };
}

/**
 * Makes writes to a pipe or socket (that is what stdout is under systemd and most supervisors) answer "busy" instead of blocking: a
 * reader that stopped would otherwise hold a thread, and the exit of the process with it. A pipe is opened once more for that, so
 * that the description shared with other processes stays as it is; a socket cannot be.
 */
function openDescriptor(descriptor: number): { fd: number; ours: boolean } {
  try {
    const stat = fstatSync(descriptor);
    if (stat.isFIFO()) {
      return { fd: openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK), ours: true };
    }
    // Opening a stream on it is the only way to have Node set O_NONBLOCK. The stream itself is never used, nor closed.
    if (stat.isSocket()) new Socket({ fd: descriptor, readable: false, writable: true }).on('error', () => {}).unref();
  } catch {
    // No /proc, another owner's pipe, or no reader left: the descriptor as it is.
  }
  return { fd: descriptor, ours: false };
}

/** Lines of a batch that were not written whole. */
function linesFrom(batch: Batch): number {
  let lines = 0;
  for (let at = batch.bytes.indexOf(0x0a, batch.offset); at !== -1; at = batch.bytes.indexOf(0x0a, at + 1)) lines += 1;
  return Math.min(lines, batch.lines);
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
