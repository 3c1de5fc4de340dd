import type { AccountId, MailboxId, ModSeq } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Wake } from '../../mail/store.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import type { Blobs } from '../blobs/blobs.ts';
import type { Bus } from '../bus/bus.ts';
import type { AccountIndex } from '../index/index-port.ts';
import type { Scanner } from '../search/scanner.ts';
import type { EngineParts } from './engine-parts.ts';
import { Leases } from './leases.ts';
import { Looker } from './looker.ts';
import { MailboxNotes } from './mailbox-notes.ts';
import type { EngineSettings } from './settings.ts';
import type { Swept } from './sweep.ts';

/** One account while it is open: its index and blobs, and what all its stores share. */
export class OpenAccount {
  readonly id: AccountId;
  readonly index: AccountIndex;
  readonly blobs: Blobs;
  readonly scanner: Scanner;
  readonly settings: EngineSettings;
  readonly log: EngineParts['log'];
  readonly now: () => number;
  readonly random: (octets: number) => Uint8Array;
  readonly room: (account: AccountId, octets: number) => Promise<void>;
  readonly notes: MailboxNotes;
  readonly leases = new Leases();
  readonly looker: Looker;
  /** Blobs of appends that run: the index does not know them yet. */
  readonly inFlight = new Set<BlobId>();
  /** The sweep that runs. */
  sweeping: Promise<Swept> | undefined;
  /**
   * When to look for blobs that no append will ever name, in milliseconds since 1970: those a crash left, or an append whose end was not
   * clear. Infinity: there are none.
   */
  straysAt: number;
  /** When upkeep should look after the account. */
  dueAt = 0;
  readonly #bus: Bus;
  readonly #end = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(
    id: AccountId,
    index: AccountIndex,
    blobs: Blobs,
    parts: Required<EngineParts>,
    settings: EngineSettings,
    straysAt: number,
  ) {
    this.id = id;
    this.index = index;
    this.blobs = blobs;
    this.straysAt = straysAt;
    this.scanner = parts.scanner;
    this.settings = settings;
    this.log = parts.log;
    this.now = parts.now;
    this.random = parts.random;
    this.room = parts.room;
    this.notes = new MailboxNotes(parts.now, settings.lookEvery);
    this.#bus = parts.bus;
    this.looker = new Looker(index, settings.lookEvery, wake => this.#bus.post(id, wake));
    this.#listen(this.#bus.subscribe(id, undefined, this.#end.signal));
  }

  /** Runs what `close` must wait for. @throws MailError `unavailable` after it */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#end.signal.aborted) throw new MailError('unavailable', 'the account is closed');
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Tells everybody that a mailbox has changed; undefined: the mailboxes as such. */
  changed(mailbox: MailboxId | undefined, at: ModSeq): void {
    this.#note({ mailbox, at });
    this.dueAt = 0;
    this.#bus.post(this.id, { mailbox, at });
  }

  /** The same of a mailbox that an edit of the mailboxes has touched; the position is that of the account's own log. */
  touched(mailbox: MailboxId, at: ModSeq): void {
    this.notes.drop(mailbox);
    this.dueAt = 0;
    this.#bus.post(this.id, { mailbox, at });
  }

  /** Wakes from now on, also for what other processes do without one. Ends with the signal, and with the account. */
  watch(mailbox: MailboxId | undefined, signal: AbortSignal): AsyncIterable<Wake> {
    const until = AbortSignal.any([signal, this.#end.signal]);
    const wakes = this.#bus.subscribe(this.id, mailbox, until);
    this.looker.watch(mailbox, until);
    return this.#noted(wakes);
  }

  /** Waits for what runs, and closes index and blobs. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled(this.#running);
    await this.looker.close();
    // Both, whatever the first one says.
    const closed = await Promise.allSettled([this.blobs.close(), this.index.close()]);
    for (const result of closed) {
      if (result.status === 'rejected') this.log.error({ account: this.id, err: result.reason }, 'closing an account');
    }
  }

  /** Whoever is woken pulls at once: the note must know by then, whatever order the wakes arrive in. */
  async *#noted(wakes: AsyncIterable<Wake>): AsyncGenerator<Wake> {
    for await (const wake of wakes) {
      this.#note(wake);
      yield wake;
    }
  }

  async #listen(wakes: AsyncIterable<Wake>): Promise<void> {
    for await (const wake of wakes) this.#note(wake);
  }

  #note({ mailbox, at }: Wake): void {
    if (mailbox === undefined) this.notes.forgetAll();
    else this.notes.advanced(mailbox, at);
  }
}
