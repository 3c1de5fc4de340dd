import type { MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Snapshot } from '../../mail/mailbox.ts';
import type { Content, ContentHandle, Copied, Cursor, FlagsSet, Section } from '../../mail/message.ts';
import type { Query } from '../../mail/query.ts';
import type { ChangePage, Field, RowPage } from '../../mail/rows.ts';
import type { Mailbox } from '../../mail/store.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import type { StoredRowPage } from '../index/index-port.ts';
import type { OpenAccount } from './open-account.ts';
import { isStoredContent, openContent } from './stored-content.ts';
import { search } from './text-search.ts';

/** Before every change there ever was: an open mailbox that has not been looked at yet must lose none. */
const FIRST = 0 as ModSeq;

/** One open mailbox over the account's index and blobs. */
export class EngineMailbox implements Mailbox {
  readonly id: MailboxId;
  readonly readOnly: boolean;
  readonly #account: OpenAccount;
  readonly #onClose: (mailbox: EngineMailbox) => void;
  #leased = false;
  #closed = false;

  constructor(account: OpenAccount, id: MailboxId, readOnly: boolean, onClose: (mailbox: EngineMailbox) => void) {
    this.id = id;
    this.readOnly = readOnly;
    this.#account = account;
    this.#onClose = onClose;
    account.leases.set(this, id, FIRST);
  }

  snapshot(claimRecent: boolean): Promise<Snapshot> {
    const claims = claimRecent && !this.readOnly;
    return this.#run(async ({ index, notes, leases }) => {
      const snapshot = await index.snapshot(this.id, claims);
      if (claims) notes.forget(this.id);
      if (!this.#leased && !this.#closed) leases.set(this, this.id, snapshot.at);
      return snapshot;
    });
  }

  claimRecent(upTo: Uid): Promise<Uid> {
    return this.#run(async ({ index, notes }) => {
      try {
        return await index.claimRecent(this.id, upTo);
      } finally {
        notes.forget(this.id);
      }
    });
  }

  uids(at: ModSeq, uidNext: Uid): Promise<Uint32Array> {
    return this.#run(({ index }) => index.uids(this.id, at, uidNext));
  }

  changes(since: Cursor, limit: number): Promise<ChangePage> {
    return this.#run(async ({ index, notes }) => {
      const nothing = notes.nothingNew(this.id, since);
      return nothing ?? notes.pulled(this.id, since, () => index.changes(this.id, since, limit));
    });
  }

  lease(at: ModSeq): void {
    if (this.#closed) return;
    this.#leased = true;
    this.#account.leases.set(this, this.id, at);
  }

  async *rows(uids: UidRanges, want: readonly Field[], signal: AbortSignal): AsyncGenerator<RowPage> {
    let after: Uid | undefined = 0 as Uid;
    while (after !== undefined) {
      signal.throwIfAborted();
      const from: Uid = after;
      const page: StoredRowPage = await this.#run(({ index, settings }) =>
        index.rows(this.id, uids, want, from, settings.pageRows),
      );
      if (page.uids.length > 0) yield page;
      after = page.next;
    }
  }

  content(of: ContentHandle, section: Section, signal: AbortSignal): Promise<Content | undefined> {
    return this.#run(async ({ blobs }) => {
      if (!isStoredContent(of)) throw new TypeError('a handle of another store');
      return openContent(of, section, blobs, signal);
    });
  }

  search(query: Query, signal: AbortSignal): Promise<{ readonly uids: Uint32Array; readonly maxModSeq: ModSeq }> {
    return this.#run(account => search(account, this.id, query, signal));
  }

  setFlags(...[uids, change, options]: Parameters<Mailbox['setFlags']>): Promise<FlagsSet> {
    return this.#write(async account => {
      const set = await account.index.setFlags(this.id, uids, change, options);
      if (set.changed > 0) account.changed(this.id, set.at);
      // A keyword may have got a place all the same.
      else account.notes.forget(this.id);
      return set;
    });
  }

  copy(uids: UidRanges, to: string, move: boolean): Promise<Copied> {
    const work = async (account: OpenAccount) => {
      try {
        const { target, movedAt, ...copied } = await account.index.copy(this.id, uids, to, move);
        account.changed(target, copied.at);
        if (movedAt !== undefined) account.changed(this.id, movedAt);
        return copied;
      } catch (error) {
        // Which mailbox it may have reached all the same is not known.
        account.notes.forgetAll();
        throw error;
      }
    };
    return move ? this.#write(work) : this.#run(work);
  }

  expunge(uids: UidRanges | undefined): Promise<ModSeq> {
    return this.#write(async account => {
      const { at, count } = await account.index.expunge(this.id, uids);
      if (count > 0) account.changed(this.id, at);
      return at;
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#account.leases.end(this);
    this.#onClose(this);
  }

  async #write<T>(work: (account: OpenAccount) => Promise<T>): Promise<T> {
    if (this.readOnly) throw new MailError('read-only', 'the mailbox was opened for reading');
    try {
      return await this.#run(work);
    } catch (error) {
      // An answer that was lost need not mean that nothing was done.
      this.#account.notes.forget(this.id);
      throw error;
    }
  }

  async #run<T>(work: (account: OpenAccount) => Promise<T>): Promise<T> {
    if (this.#closed) throw new MailError('unavailable', 'the mailbox is closed');
    return this.#account.run(() => work(this.#account));
  }
}
