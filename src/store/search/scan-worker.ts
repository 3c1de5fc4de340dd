import { Worker } from 'node:worker_threads';
import { MailError } from '../../mail/mail-error.ts';
import type { ScanAnswer, ScanBatch } from './scan-batch.ts';
import type { ThreadReply } from './scan-thread.ts';

/** Source or build: the thread runs the same kind of file as this one. */
const ENTRY = new URL(`./scan-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/** The near side of one thread: started when there is work, started again after it died. One batch at a time. */
export class ScanThread {
  readonly #entry: URL;
  #worker: Worker | undefined;
  #running: PromiseWithResolvers<ScanAnswer> | undefined;

  /** @param entry what the thread runs */
  constructor(entry = ENTRY) {
    this.#entry = entry;
  }

  /** @throws MailError `unavailable` */
  async scan(batch: ScanBatch): Promise<ScanAnswer> {
    const worker = this.#start();
    const running = Promise.withResolvers<ScanAnswer>();
    this.#running = running;
    worker.ref();
    try {
      worker.postMessage(batch, [batch.octets.buffer]);
      return await running.promise;
    } finally {
      this.#running = undefined;
      worker.unref();
    }
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#entry);
    this.#worker = worker;
    worker.on('message', (reply: ThreadReply) => {
      if ('answer' in reply) this.#running?.resolve(reply.answer);
      else this.#running?.reject(new MailError('unavailable', `a search could not read messages: ${reply.failure}`));
    });
    const fail = (cause?: unknown) => {
      // An error is followed by an exit: by then another may be at work.
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#running?.reject(new MailError('unavailable', 'a search thread ended', { cause }));
    };
    worker.on('error', fail);
    worker.on('exit', () => fail());
    worker.unref();
    return worker;
  }
}
