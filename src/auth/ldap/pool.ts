import type { Connection } from './connection.ts';
import { ServerFailure } from './failure.ts';

export interface PoolOptions {
  /** Opens one more connection, by itself bounded in time. @throws ServerFailure */
  readonly open: () => Promise<Connection>;
  /** Most connections. */
  readonly size: number;
  /** Milliseconds after which an unused connection is closed. */
  readonly idle?: number;
  /** Milliseconds after which a connection is replaced even if used. */
  readonly age?: number;
  /** Milliseconds, steady. */
  readonly now?: () => number;
}

interface Waiter {
  readonly signal: AbortSignal;
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

const IDLE_MS = 5 * 60_000;
/** Well before Active Directory cuts connections (900 s), and so that a changed DNS name or service password is noticed. */
const AGE_MS = 10 * 60_000;
const SWEEP_MS = 30_000;
/** Lets an attempt to connect that began with the waiting end first: it knows why. */
const GRACE_MS = 20;

/**
 * Connections to one server for one purpose. One is opened at a time, and all who wait share what comes of it: a burst of logins
 * opens no more connections than it needs, and a server that does not answer holds one attempt, not a queue of them.
 */
export class Pool {
  readonly #options: Required<PoolOptions>;
  readonly #members = new Set<Connection>();
  /** The most recently used last: the others are left to grow old. */
  readonly #idle: { readonly connection: Connection; readonly since: number }[] = [];
  #waiters: Waiter[] = [];
  #opening = false;
  #closed = false;
  #emptied: (() => void) | undefined;
  readonly #sweeper: NodeJS.Timeout;

  constructor(options: PoolOptions) {
    this.#options = { idle: IDLE_MS, age: AGE_MS, now: () => performance.now(), ...options };
    this.#sweeper = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Open connections. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * Lends a connection to `work`. When the server had closed a connection that had served before, the work is done once more on
   * another one; it must be idempotent, as searches and binds are.
   *
   * @param deadline `performance.now()` after which waiting for a connection is given up
   * @throws ServerFailure, whatever `work` throws, or the signal's reason while waiting
   */
  async use<T>(work: (connection: Connection) => Promise<T>, deadline: number, signal: AbortSignal): Promise<T> {
    const connection = this.#takeIdle() ?? (await this.#wait(deadline, signal));
    try {
      return await work(connection);
    } catch (error) {
      if (!(error instanceof ServerFailure && error.kind === 'lost' && connection.proven)) throw error;
    } finally {
      this.#release(connection);
    }
    const another = await this.#wait(deadline, signal);
    try {
      return await work(another);
    } finally {
      this.#release(another);
    }
  }

  /** Takes in a connection opened elsewhere (a probe's), if there is room. */
  adopt(connection: Connection): void {
    if (this.#closed || this.#members.size >= this.#options.size) connection.close();
    else this.#admit(connection);
  }

  /** The server is not to be relied on: nobody waits for it any longer, and unused connections are not trusted again. */
  fail(failure: ServerFailure): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      clearTimeout(waiter.timer);
      waiter.reject(failure);
    }
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }

  /** Closes connections that were unused for long or are old. Runs by itself every half minute. */
  sweep(): void {
    const now = this.#options.now();
    const stale = this.#idle.filter(({ connection, since }) => this.#isStale(connection, since, now));
    for (const { connection } of stale) connection.close();
  }

  /** Nobody gets a connection any more; resolves when the last one that is in use has been given back and closed. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.fail(new ServerFailure('unavailable', 'the directory is being closed'));
    if (this.#members.size === 0 && !this.#opening) return;
    await new Promise<void>(resolve => {
      this.#emptied = resolve;
    });
  }

  #takeIdle(): Connection | undefined {
    const now = this.#options.now();
    for (let last = this.#idle.pop(); last; last = this.#idle.pop()) {
      if (last.connection.usable && !this.#isStale(last.connection, last.since, now)) return last.connection;
      last.connection.close();
    }
    return undefined;
  }

  #isStale(connection: Connection, since: number, now: number): boolean {
    return now - since > this.#options.idle || now - connection.openedAt > this.#options.age;
  }

  #wait(deadline: number, signal: AbortSignal): Promise<Connection> {
    if (this.#closed) return Promise.reject(new ServerFailure('unavailable', 'the directory is closed'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#waiters = this.#waiters.filter(other => other !== waiter);
          reject(
            this.#opening
              ? new ServerFailure('timeout', 'no connection was made in time')
              : new ServerFailure('busy', `all ${this.#options.size} connections were in use for too long`),
          );
        },
        Math.max(0, deadline - performance.now()) + GRACE_MS,
      );
      const waiter: Waiter = { signal, resolve, reject, timer };
      this.#waiters.push(waiter);
      this.#grow();
    });
  }

  #grow(): void {
    if (this.#closed || this.#opening || this.#waiters.length === 0) return;
    if (this.#members.size >= this.#options.size) return;
    this.#opening = true;
    this.#options.open().then(
      connection => {
        this.#opening = false;
        if (this.#closed) connection.close();
        else this.#admit(connection);
        this.#settleClose();
        this.#grow();
      },
      error => {
        this.#opening = false;
        this.fail(error instanceof ServerFailure ? error : new ServerFailure('unavailable', String(error), error));
        this.#settleClose();
      },
    );
  }

  #admit(connection: Connection): void {
    if (!connection.usable) {
      this.fail(new ServerFailure('lost', `${connection.server} closed the connection at once`));
      return;
    }
    this.#members.add(connection);
    connection.onEnd = () => this.#ended(connection);
    this.#offer(connection);
  }

  #ended(connection: Connection): void {
    this.#members.delete(connection);
    const index = this.#idle.findIndex(idle => idle.connection === connection);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#settleClose();
    this.#grow();
  }

  #release(connection: Connection): void {
    connection.proven = true;
    const old = this.#options.now() - connection.openedAt > this.#options.age;
    if (this.#closed || old || !connection.usable) connection.close();
    else this.#offer(connection);
  }

  #offer(connection: Connection): void {
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      clearTimeout(waiter.timer);
      if (!waiter.signal.aborted) {
        waiter.resolve(connection);
        return;
      }
      waiter.reject(waiter.signal.reason);
    }
    this.#idle.push({ connection, since: this.#options.now() });
  }

  #settleClose(): void {
    if (this.#closed && this.#members.size === 0 && !this.#opening) this.#emptied?.();
  }
}
