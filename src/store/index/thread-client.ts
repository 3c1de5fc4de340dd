import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MailError } from '../../mail/mail-error.ts';
import type { Logger } from '../../observe/log.ts';
import type { Call } from './account-calls.ts';
import type { NewRow } from './index-port.ts';
import { type Answer, errorOf, packRows, type Request, type ThreadOptions } from './thread-messages.ts';

export type IndexLog = Pick<Logger, 'error'>;

/** Starts a thread that runs `index-thread.ts`. */
export type StartThread = (options: ThreadOptions) => Worker;

/** The file beside this one, by the ending this one has: `.ts` from source, `.js` when built. */
export const startThread: StartThread = options =>
  new Worker(new URL(`./index-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: options,
    name: 'postern-index',
  });

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * One thread of the index, as those see it who call. A thread that dies takes its calls with it (`unavailable`: what they did may or
 * may not have been done) and is started again by the next. Keeps the process alive only while calls run.
 */
export class ThreadClient {
  readonly #options: ThreadOptions;
  readonly #start: StartThread;
  readonly #log: IndexLog | undefined;
  #worker: Worker | undefined;
  #pending = new Map<number, Pending>();
  #last = 0;
  #idle: () => void = () => {};

  constructor(options: ThreadOptions, start: StartThread, log: IndexLog | undefined) {
    this.#options = options;
    this.#start = start;
    this.#log = log;
  }

  /** @throws MailError */
  carry<T>(call: Call): Promise<T> {
    const worker = this.#running();
    this.#last += 1;
    const id = this.#last;
    return new Promise<T>((resolve, reject) => {
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(id, { resolve, reject });
      const { request, transfer } = requestOf(id, call);
      worker.postMessage(request, transfer);
    });
  }

  /** Waits for running calls, and for the thread to write what it holds. */
  async close(): Promise<void> {
    if (this.#pending.size > 0) {
      await new Promise<void>(resolve => {
        this.#idle = resolve;
      });
    }
    const worker = this.#worker;
    if (!worker) return;
    worker.ref();
    const ended = new Promise(resolve => worker.once('exit', resolve));
    worker.postMessage('close' satisfies Request);
    await ended;
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = this.#start(this.#options);
    this.#worker = worker;
    worker.unref();
    let failure: unknown;
    worker.on('message', (answer: Answer) => this.#settle(worker, answer));
    worker.on('error', error => {
      failure = error;
    });
    worker.on('exit', code => {
      if (this.#worker === worker) this.#worker = undefined;
      if (code !== 0) this.#log?.error({ err: failure, code }, 'a thread of the index died');
      this.#fail(failure);
    });
    return worker;
  }

  #settle(worker: Worker, answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (!pending) return;
    this.#pending.delete(answer.id);
    if ('failure' in answer) pending.reject(errorOf(answer.failure));
    else pending.resolve(answer.value);
    if (this.#pending.size > 0) return;
    worker.unref();
    this.#idle();
  }

  #fail(cause: unknown): void {
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
    for (const { reject } of pending) reject(new MailError('unavailable', 'a thread of the index died', { cause }));
    this.#idle();
  }
}

function requestOf(id: number, call: Call): { readonly request: Request; readonly transfer: ArrayBuffer[] } {
  if (call.kind !== 'call' || call.method !== 'append') return { request: { id, call }, transfer: [] };
  const [mailbox, given] = call.args;
  if (!isRows(given)) throw new TypeError('an append without rows');
  const { rows, buffer } = packRows(given);
  return { request: { id, call: { ...call, args: [mailbox, rows] } }, transfer: [buffer] };
}

function isRows(value: unknown): value is readonly NewRow[] {
  return Array.isArray(value);
}
