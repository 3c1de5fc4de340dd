import type { AccountId, MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import type { MailboxEdit } from '../../mail/mailbox.ts';
import type { Cursor, FlagChange } from '../../mail/message.ts';
import type { Query } from '../../mail/query.ts';
import type { Field } from '../../mail/rows.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import type { Call, Method } from './account-calls.ts';
import type { AccountDatabase } from './account-database.ts';
import type { AccountIndex, NewRow } from './index-port.ts';

/** Carries a call to where the account is, and its answer back, of the type that the call's method gives. */
export type Carry = <T>(call: Call) => Promise<T>;

/** An account's index, asked by calls. Holds nothing; its account may be closed and opened again between two calls. */
export class CalledAccountIndex implements AccountIndex {
  readonly account: AccountId;
  readonly #carry: Carry;
  readonly #release: () => Promise<void>;

  /** @param release says that the account will not be asked for a while */
  constructor(account: AccountId, carry: Carry, release: () => Promise<void>) {
    this.account = account;
    this.#carry = carry;
    this.#release = release;
  }

  mailboxes() {
    return this.#call('mailboxes');
  }

  edit(edit: MailboxEdit) {
    return this.#call('edit', edit);
  }

  mailboxChanges(since: ModSeq, limit: number) {
    return this.#call('mailboxChanges', since, limit);
  }

  find(name: string) {
    return this.#call('find', name);
  }

  snapshot(mailbox: MailboxId, claimRecent: boolean) {
    return this.#call('snapshot', mailbox, claimRecent);
  }

  claimRecent(mailbox: MailboxId, upTo: Uid) {
    return this.#call('claimRecent', mailbox, upTo);
  }

  uids(mailbox: MailboxId, at: ModSeq, uidNext: Uid) {
    return this.#call('uids', mailbox, at, uidNext);
  }

  changes(mailbox: MailboxId, since: Cursor, limit: number) {
    return this.#call('changes', mailbox, since, limit);
  }

  rows(mailbox: MailboxId, uids: UidRanges, want: readonly Field[], after: Uid, limit: number) {
    return this.#call('rows', mailbox, uids, want, after, limit);
  }

  search(mailbox: MailboxId, query: Query, after: Uid) {
    return this.#call('search', mailbox, query, after);
  }

  append(mailbox: MailboxId, rows: readonly NewRow[]) {
    return this.#call('append', mailbox, rows);
  }

  setFlags(
    mailbox: MailboxId,
    uids: UidRanges,
    change: FlagChange,
    options: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
  ) {
    return this.#call('setFlags', mailbox, uids, change, options);
  }

  copy(mailbox: MailboxId, uids: UidRanges, to: string, move: boolean) {
    return this.#call('copy', mailbox, uids, to, move);
  }

  expunge(mailbox: MailboxId, uids: UidRanges | undefined) {
    return this.#call('expunge', mailbox, uids);
  }

  trim(mailbox: MailboxId, upTo: ModSeq) {
    return this.#call('trim', mailbox, upTo);
  }

  unreferenced(before: number, limit: number) {
    return this.#call('unreferenced', before, limit);
  }

  forget(blobs: readonly BlobId[]) {
    return this.#call('forget', blobs);
  }

  known(blobs: readonly BlobId[]) {
    return this.#call('known', blobs);
  }

  references(after: BlobId | undefined, limit: number) {
    return this.#call('references', after, limit);
  }

  renew(after: number) {
    return this.#call('renew', after);
  }

  verify() {
    return this.#call('verify');
  }

  copyTo(path: string): Promise<void> {
    return this.#carry({ kind: 'copy', account: this.account, path });
  }

  close(): Promise<void> {
    return this.#release();
  }

  #call<M extends Method>(method: M, ...args: Parameters<AccountDatabase[M]>): Promise<ReturnType<AccountDatabase[M]>> {
    return this.#carry({ kind: 'call', account: this.account, method, args });
  }
}
