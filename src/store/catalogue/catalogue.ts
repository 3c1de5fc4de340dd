import type { AccountId } from '../../mail/ids.ts';

/** What is known of an account apart from its mail: whose it is. */
export interface AccountRecord {
  readonly account: AccountId;
  /** Name of the directory in the configuration, and the entry's immutable id in it. */
  readonly directory: string;
  readonly entry: string;
  /** As it was used last, normalised; another may have it by now. */
  readonly login: string;
  /** Milliseconds since 1970: when the account was made, and about when it was last used. */
  readonly created: number;
  readonly seen: number;
}

export type AccountOwner = Pick<AccountRecord, 'directory' | 'entry' | 'login'>;

/**
 * Which accounts there are, in `postern.db`. An account's id cannot be turned back into its directory entry, so that without this
 * nobody could say whose a folder of mail is. Nothing in it is needed to serve mail. Methods throw MailError (`no-space`, `damaged`,
 * `unavailable`).
 */
export interface Catalogue {
  /**
   * Notes that an account was used. Durable when it is new or its owner's names have changed; that it was seen is written at most
   * once an hour.
   */
  record(account: AccountId, owner: AccountOwner): Promise<void>;
  /** Undefined: it was never recorded. */
  find(account: AccountId): Promise<AccountRecord | undefined>;
  /** The accounts that a login was last used for; several when it has gone from one person to another. */
  findByLogin(login: string): Promise<readonly AccountRecord[]>;
  /** A page of all accounts by their ids. @param after the last one of the page before */
  list(after: AccountId | undefined, limit: number): Promise<readonly AccountRecord[]>;
  /** Forgets an account whose mail was removed. */
  forget(account: AccountId): Promise<void>;
  /** Copies it, whole and at one moment, to a new file. */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}
