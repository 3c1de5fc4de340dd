import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import { packBatch, type ScanItem } from './scan-batch.ts';
import { ScanThread } from './scan-worker.ts';

export type { ScanItem } from './scan-batch.ts';

/** Reads the texts of messages for those who search. */
export interface Scanner {
  /**
   * Which of the messages match what is left of the query, in the order of the items. One that is gone or cannot be read does not.
   * @throws MailError `unavailable`; the signal's reason
   */
  scan(account: AccountId, items: readonly ScanItem[], signal: AbortSignal): Promise<readonly boolean[]>;
  /** Ends the threads; what still runs fails as `unavailable`. */
  close(): Promise<void>;
}

export interface ScannerOptions {
  /** The folder of an account's blobs (`openDirectoryBlobs`). */
  readonly directoryOf: (account: AccountId) => string;
  /** 1 by default. */
  readonly threads?: number;
  /** What the threads run instead of what they should: for tests of their deaths. */
  readonly entry?: URL;
  /** Told of messages that could not be read: their blob and why. */
  readonly onUnreadable?: (account: AccountId, blob: BlobId, reason: string) => void;
}

/** Messages that a thread takes at a time: others have their turn in between. */
const BATCH = 64;

/** Threads start with the first scan; one that dies fails its batch and is replaced. */
export function openScanner(options: ScannerOptions): Scanner {
  return new ThreadScanner(options);
}

class ThreadScanner implements Scanner {
  readonly #options: ScannerOptions;
  readonly #idle: ScanThread[];
  readonly #threads: readonly ScanThread[];
  readonly #waiting: ((thread: ScanThread) => void)[] = [];
  #closed = false;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#threads = Array.from({ length: Math.max(1, options.threads ?? 1) }, () => new ScanThread(options.entry));
    this.#idle = [...this.#threads];
  }

  async scan(account: AccountId, items: readonly ScanItem[], signal: AbortSignal): Promise<readonly boolean[]> {
    signal.throwIfAborted();
    const abandoned = new Int32Array(new SharedArrayBuffer(4));
    const abandon = () => Atomics.store(abandoned, 0, 1);
    signal.addEventListener('abort', abandon, { once: true });
    const matches = new Array<boolean>(items.length).fill(false);
    let next = 0;
    // As many at work as there are threads, each taking the next batch when it is done: scans that run at once share evenly.
    const work = async () => {
      while (next < items.length) {
        const first = next;
        next += BATCH;
        await this.#batch(account, items.slice(first, next), abandoned, signal, (item, isMatch) => {
          matches[first + item] = isMatch;
        });
      }
    };
    try {
      await Promise.all(this.#threads.map(work));
      return matches;
    } catch (error) {
      abandon();
      throw error;
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(thread => thread.end()));
  }

  async #batch(
    account: AccountId,
    items: readonly ScanItem[],
    abandoned: Int32Array<SharedArrayBuffer>,
    signal: AbortSignal,
    tell: (item: number, isMatch: boolean) => void,
  ): Promise<void> {
    const thread = await this.#thread();
    try {
      signal.throwIfAborted();
      if (this.#closed) throw new MailError('unavailable', 'the search threads are closed');
      const { matches, unreadable } = await thread.scan(
        packBatch(this.#options.directoryOf(account), items, abandoned),
      );
      for (const [item, match] of matches.entries()) tell(item, match === 1);
      for (const { item, reason } of unreadable) {
        const blob = items[item]?.content.blob;
        if (blob !== undefined) this.#options.onUnreadable?.(account, blob, reason);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      this.#release(thread);
    }
  }

  #thread(): Promise<ScanThread> {
    const idle = this.#idle.pop();
    if (idle) return Promise.resolve(idle);
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  #release(thread: ScanThread): void {
    const next = this.#waiting.shift();
    if (next) next(thread);
    else this.#idle.push(thread);
  }
}
