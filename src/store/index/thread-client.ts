import type { Worker } from 'node:worker_threads';
import { MailError } from '../../mail/mail-error.ts';
import type { Logger } from '../../observe/log.ts';
import { type Answer, errorOf, type Packed, type Request } from './thread-messages.ts';

export type ThreadLog = Pick<Logger, 'error'>;

export interface ThreadClientOptions<Call> {
  /** Starts a thread that answers as `serveThread` does. */
  readonly start: () => Worker;
  /** Makes a call ready for its way; as it is by default. */
  readonly pack?: (call: Call) => Packed<Call>;
  readonly log?: ThreadLog;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * One thread that works on databases, as those see it who call. A thread that dies takes its calls with it (`unavailable`: what they did may or
 * may not have been done) and is started again by the next. Keeps the process alive only while calls run.
 */
export class ThreadClient<Call> {
  readonly #options: ThreadClientOptions<Call>;
  #worker: Worker | undefined;
  #pending = new Map<number, Pending>();
  #last = 0;
  #idle: () => void = () => {};

  constructor(options: ThreadClientOptions<Call>) {
    this.#options = options;
  }

  /** @throws MailError */
  carry<T>(call: Call): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const worker = this.#running();
      const { packed, transfer } = this.#options.pack?.(call) ?? { packed: call, transfer: [] };
      this.#last += 1;
      const request: Request<Call> = { id: this.#last, call: packed };
      worker.postMessage(request, transfer);
      if (this.#pending.size === 0) worker.ref();
      this.#pending.set(request.id, { resolve, reject });
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
    worker.postMessage('close' satisfies Request<Call>);
    await ended;
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = this.#options.start();
    this.#worker = worker;
    worker.unref();
    let failure: unknown;
    worker.on('message', (answer: Answer) => this.#settle(worker, answer));
    worker.on('error', error => {
      failure = error;
    });
    worker.on('exit', code => {
      if (this.#worker === worker) this.#worker = undefined;
      if (code !== 0) this.#options.log?.error({ err: failure, code }, 'a thread that works on databases died');
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
    for (const { reject } of pending)
      reject(new MailError('unavailable', 'a thread that works on databases died', { cause }));
    this.#idle();
  }
}
