import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { AccountDatabase, type AccountDatabaseOptions } from './account-database.ts';
import { accountFolder, openAccountFile } from './account-file.ts';
import type { Database } from './database.ts';
import { copyDatabase } from './database-file.ts';
import type { NewMailbox } from './index-port.ts';

/** What can be asked of an open account by name. */
export const METHODS = [
  'mailboxes',
  'edit',
  'mailboxChanges',
  'find',
  'snapshot',
  'claimRecent',
  'uids',
  'changes',
  'rows',
  'search',
  'append',
  'setFlags',
  'copy',
  'expunge',
  'trim',
  'unreferenced',
  'forget',
  'known',
  'references',
  'renew',
  'verify',
] as const satisfies readonly (keyof AccountDatabase)[];
export type Method = (typeof METHODS)[number];

/** One call, as it goes from thread to thread. */
export type Call =
  | { readonly kind: 'call'; readonly account: AccountId; readonly method: Method; readonly args: readonly unknown[] }
  | {
      readonly kind: 'open';
      readonly account: AccountId;
      readonly create: { readonly mailboxes: readonly NewMailbox[] } | undefined;
    }
  | { readonly kind: 'copy'; readonly account: AccountId; readonly path: string }
  | { readonly kind: 'release'; readonly account: AccountId };

export interface AccountCallsOptions extends AccountDatabaseOptions {
  /** The folder of all accounts. */
  readonly directory: string;
  /** Accounts kept open at a time; those used least recently are closed first. */
  readonly openMost: number;
}

interface Open {
  readonly db: Database;
  readonly database: AccountDatabase;
  /** Copies under way, during which it stays open. */
  copies: number;
}

/** The accounts of one thread: opens them when they are asked for, and answers calls in the order they come in. */
export class AccountCalls {
  readonly #options: AccountCallsOptions;
  /** The one used last at the end. */
  readonly #open = new Map<AccountId, Open>();
  readonly #opening = new Map<AccountId, Promise<Open>>();

  constructor(options: AccountCallsOptions) {
    this.#options = options;
  }

  /** @throws MailError */
  async run(call: Call): Promise<unknown> {
    if (call.kind === 'release') return this.#release(call.account);
    const open = this.#open.get(call.account) ?? (await this.#opened(call));
    this.#used(call.account, open);
    try {
      if (call.kind === 'call') return Reflect.apply(open.database[call.method], open.database, call.args);
      if (call.kind === 'copy') await this.#copy(open, call.path);
      return undefined;
    } catch (error) {
      // A file that was repaired or put back is opened anew by the next call.
      if (error instanceof MailError && error.kind === 'damaged') this.#drop(call.account, open);
      throw error;
    }
  }

  /** Closes all; what fails by that is thrown at the end. */
  close(): void {
    const failures: unknown[] = [];
    for (const [account, { database }] of this.#open) {
      this.#open.delete(account);
      try {
        database.close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #opened(call: Exclude<Call, { kind: 'release' }>): Promise<Open> {
    const { account } = call;
    const running = this.#opening.get(account);
    // Whoever waits in line must not share the answer of one who asked otherwise: it asks again.
    if (running) return running.catch(() => undefined).then(open => open ?? this.#opened(call));
    const opening = this.#openFile(account, call.kind === 'open' ? call.create : undefined).finally(() => {
      this.#opening.delete(account);
    });
    this.#opening.set(account, opening);
    return opening;
  }

  async #openFile(
    account: AccountId,
    create: { readonly mailboxes: readonly NewMailbox[] } | undefined,
  ): Promise<Open> {
    const folder = accountFolder(this.#options.directory, account);
    const populate = create && ((db: Database) => new AccountDatabase(db, this.#options).populate(create.mailboxes));
    const db = await openAccountFile(folder, populate);
    const open = { db, database: new AccountDatabase(db, this.#options), copies: 0 };
    this.#open.set(account, open);
    this.#closeLeastRecent();
    return open;
  }

  #used(account: AccountId, open: Open): void {
    if (this.#open.get(account) !== open) return;
    this.#open.delete(account);
    this.#open.set(account, open);
  }

  #closeLeastRecent(): void {
    const idle = [...this.#open].filter(([, { copies }]) => copies === 0);
    for (const [account, open] of idle.slice(0, Math.max(0, this.#open.size - this.#options.openMost))) {
      this.#drop(account, open);
    }
  }

  #release(account: AccountId): void {
    const open = this.#open.get(account);
    if (open && open.copies === 0) this.#drop(account, open);
  }

  #drop(account: AccountId, open: Open): void {
    if (this.#open.get(account) === open) this.#open.delete(account);
    try {
      open.database.close();
    } catch (error) {
      // What was promised is on the disk already; what closing adds (\Recent, a shorter log) may be forgotten.
      if (!(error instanceof MailError)) throw error;
    }
  }

  async #copy(open: Open, path: string): Promise<void> {
    open.copies += 1;
    try {
      await copyDatabase(open.db, path);
    } finally {
      open.copies -= 1;
    }
  }
}
