import type { AccountId, MailboxId, ModSeq, Uid } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import type { MailboxEdit } from '../mail/mailbox.ts';
import type { Cursor, FlagChange } from '../mail/message.ts';
import type { Query } from '../mail/query.ts';
import type { Field } from '../mail/rows.ts';
import type { UidRanges } from '../mail/uid-ranges.ts';
import type { BlobId } from '../store/blobs/blob-id.ts';
import type { AccountIndex, Index, NewMailbox, NewRow } from '../store/index/index-port.ts';

/** Hears how long the index took: seconds from the question to the answer. @param outcome "ok", or the kind of error */
export type ObserveIndex = (account: AccountId, operation: string, outcome: string, seconds: number) => void;

/** An index of which every answer is timed. */
export function measuredIndex(index: Index, observe: ObserveIndex): Index {
  const timed = async <T>(account: AccountId, operation: string, ask: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    try {
      const answer = await ask();
      observe(account, operation, 'ok', (performance.now() - begun) / 1000);
      return answer;
    } catch (error) {
      observe(
        account,
        operation,
        error instanceof MailError ? error.kind : 'error',
        (performance.now() - begun) / 1000,
      );
      throw error;
    }
  };
  return {
    open: async (account: AccountId, create?: { readonly mailboxes: readonly NewMailbox[] }) =>
      new MeasuredAccount(await timed(account, 'open', () => index.open(account, create)), timed),
    close: () => index.close(),
  };
}

type Timed = <T>(account: AccountId, operation: string, ask: () => Promise<T>) => Promise<T>;

class MeasuredAccount implements AccountIndex {
  readonly #index: AccountIndex;
  readonly #timed: <T>(operation: string, ask: () => Promise<T>) => Promise<T>;

  constructor(index: AccountIndex, timed: Timed) {
    this.#index = index;
    this.#timed = (operation, ask) => timed(index.account, operation, ask);
  }

  get account(): AccountId {
    return this.#index.account;
  }

  mailboxes() {
    return this.#timed('mailboxes', () => this.#index.mailboxes());
  }

  edit(edit: MailboxEdit) {
    return this.#timed('edit', () => this.#index.edit(edit));
  }

  mailboxChanges(since: ModSeq, limit: number) {
    return this.#timed('mailboxChanges', () => this.#index.mailboxChanges(since, limit));
  }

  find(name: string) {
    return this.#timed('find', () => this.#index.find(name));
  }

  snapshot(mailbox: MailboxId, claimRecent: boolean) {
    return this.#timed('snapshot', () => this.#index.snapshot(mailbox, claimRecent));
  }

  claimRecent(mailbox: MailboxId, upTo: Uid) {
    return this.#timed('claimRecent', () => this.#index.claimRecent(mailbox, upTo));
  }

  uids(mailbox: MailboxId, at: ModSeq, uidNext: Uid) {
    return this.#timed('uids', () => this.#index.uids(mailbox, at, uidNext));
  }

  changes(mailbox: MailboxId, since: Cursor, limit: number) {
    return this.#timed('changes', () => this.#index.changes(mailbox, since, limit));
  }

  rows(mailbox: MailboxId, uids: UidRanges, want: readonly Field[], after: Uid, limit: number) {
    return this.#timed('rows', () => this.#index.rows(mailbox, uids, want, after, limit));
  }

  search(mailbox: MailboxId, query: Query, after: Uid) {
    return this.#timed('search', () => this.#index.search(mailbox, query, after));
  }

  append(mailbox: MailboxId, rows: readonly NewRow[]) {
    return this.#timed('append', () => this.#index.append(mailbox, rows));
  }

  setFlags(
    mailbox: MailboxId,
    uids: UidRanges,
    change: FlagChange,
    options: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
  ) {
    return this.#timed('setFlags', () => this.#index.setFlags(mailbox, uids, change, options));
  }

  copy(mailbox: MailboxId, uids: UidRanges, to: string, move: boolean) {
    return this.#timed(move ? 'move' : 'copy', () => this.#index.copy(mailbox, uids, to, move));
  }

  expunge(mailbox: MailboxId, uids: UidRanges | undefined) {
    return this.#timed('expunge', () => this.#index.expunge(mailbox, uids));
  }

  trim(mailbox: MailboxId, upTo: ModSeq) {
    return this.#timed('trim', () => this.#index.trim(mailbox, upTo));
  }

  unreferenced(before: number, limit: number) {
    return this.#timed('unreferenced', () => this.#index.unreferenced(before, limit));
  }

  forget(blobs: readonly BlobId[]) {
    return this.#timed('forget', () => this.#index.forget(blobs));
  }

  known(blobs: readonly BlobId[]) {
    return this.#timed('known', () => this.#index.known(blobs));
  }

  references(after: BlobId | undefined, limit: number) {
    return this.#timed('references', () => this.#index.references(after, limit));
  }

  renew(after: number) {
    return this.#timed('renew', () => this.#index.renew(after));
  }

  copyTo(path: string) {
    return this.#timed('copyTo', () => this.#index.copyTo(path));
  }

  verify() {
    return this.#timed('verify', () => this.#index.verify());
  }

  close() {
    return this.#index.close();
  }
}
