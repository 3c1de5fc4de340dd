import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { AccountCalls, type Call } from './account-calls.ts';
import { CalledAccountIndex, type Carry } from './called-index.ts';
import type { AccountIndex, Index, NewMailbox } from './index-port.ts';
import { packCall, type StartIndexThread, startIndexThread } from './index-worker.ts';
import { ThreadClient, type ThreadLog } from './thread-client.ts';

export interface SqliteIndexOptions {
  /** The folder of all accounts; an account's index is `AB/ABCDEF.../index.db` in it (`accountFolder`). */
  readonly directory: string;
  /** Threads; 2 by default. 0: on the calling thread, for tests and tools that have nothing else to do. */
  readonly threads?: number;
  /** Accounts that each thread keeps open (about 190 KB and 3 descriptors each, up to 4 MB more while used); 64 by default. */
  readonly openMost?: number;
  /** Mailboxes in an account; 10,000 by default. */
  readonly mailboxesMost?: number;
  /** Octets of a mailbox's whole name in UTF-8; 1,000 by default. */
  readonly nameOctetsMost?: number;
  readonly log?: ThreadLog;
  /** Milliseconds since 1970; only with `threads: 0`, since no function goes to another thread. */
  readonly now?: () => number;
  /** Hears how long each call took, from the question to the answer. */
  readonly observe?: ObserveCall;
  /** How a thread is started; for tests. */
  readonly start?: StartIndexThread;
}

/** @param operation the call's name @param outcome "ok", or the kind of error */
export type ObserveCall = (account: AccountId, operation: string, outcome: string, seconds: number) => void;

/** An index in SQLite files, one per account, in threads of its own. Nothing is opened before it is asked for. */
export function openSqliteIndex(options: SqliteIndexOptions): Index {
  const { directory, threads = 2, openMost = 64, mailboxesMost = 10_000, nameOctetsMost = 1_000 } = options;
  const settings = { directory, openMost, mailboxesMost, nameOctetsMost };
  if (threads === 0) {
    const calls = new AccountCalls({ ...settings, now: options.now ?? Date.now });
    return new SqliteIndex([directPlace(calls)], options.observe);
  }
  const { start = startIndexThread, log } = options;
  const client = () => new ThreadClient<Call>({ start: () => start(settings), pack: packCall, ...(log && { log }) });
  return new SqliteIndex(Array.from({ length: threads }, client), options.observe);
}

/** Where calls are carried to: a thread, or this one. */
interface Place {
  carry<T>(call: Call): Promise<T>;
  close(): Promise<void>;
}

function directPlace(calls: AccountCalls): Place {
  const running = new Set<Promise<unknown>>();
  return {
    carry<T>(call: Call): Promise<T> {
      const answer = new Promise<T>((resolve, reject) => {
        // What comes back is what the call's method gives, as from a thread.
        const settle: { resolve(value: unknown): void } = { resolve };
        calls.run(call).then(value => settle.resolve(value), reject);
      });
      const done = answer.catch(() => undefined).finally(() => running.delete(done));
      running.add(done);
      return answer;
    },
    async close() {
      await Promise.all(running);
      calls.close();
    },
  };
}

class SqliteIndex implements Index {
  readonly #places: readonly Place[];
  readonly #observe: ObserveCall | undefined;
  #closed = false;

  constructor(places: readonly Place[], observe: ObserveCall | undefined) {
    this.#places = places;
    this.#observe = observe;
  }

  async open(account: AccountId, create?: { readonly mailboxes: readonly NewMailbox[] }): Promise<AccountIndex> {
    const place = this.#placeOf(account);
    const carry: Carry = async call => {
      if (this.#closed) throw new MailError('unavailable', 'the index is closed');
      return this.#timed(place, call);
    };
    await carry({ kind: 'open', account, create });
    return new CalledAccountIndex(account, carry, async () => {
      if (!this.#closed) await place.carry({ kind: 'release', account });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#places.map(place => place.close()));
  }

  async #timed<T>(place: Place, call: Call): Promise<T> {
    const observe = this.#observe;
    if (!observe) return place.carry<T>(call);
    const begun = performance.now();
    let outcome = 'error';
    try {
      const answer = await place.carry<T>(call);
      outcome = 'ok';
      return answer;
    } catch (error) {
      if (error instanceof MailError) outcome = error.kind;
      throw error;
    } finally {
      observe(
        call.account,
        call.kind === 'call' ? call.method : call.kind,
        outcome,
        (performance.now() - begun) / 1000,
      );
    }
  }

  #placeOf(account: AccountId): Place {
    const place = this.#places[hash(account) % this.#places.length];
    if (!place) throw new TypeError('an index needs at least one place for its accounts');
    return place;
  }
}

/** Always the same place for an account, so that its operations are ordered (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}
