import type { AccountId } from '../../mail/ids.ts';
import type { Store } from '../../mail/store.ts';
import type { NewMailbox } from '../index/index-port.ts';
import { Accounts } from './accounts.ts';
import type { EngineParts } from './engine-parts.ts';
import { EngineStore } from './engine-store.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import { type Swept, sweep } from './sweep.ts';
import { Upkeep } from './upkeep.ts';

export interface OpenOptions {
  /** What a new account begins with; INBOX is made in any case. Absent: an account that is not there is `nonexistent`. */
  readonly create?: { readonly mailboxes: readonly NewMailbox[] };
}

export interface EngineLoad {
  /** Accounts held open, those that nobody uses at the moment among them. */
  readonly accounts: number;
  /** Stores that sessions have open. */
  readonly stores: number;
}

/** Mail of all accounts, over an index and blobs. */
export interface Engine {
  /** @throws MailError `nonexistent`, `damaged`, `unavailable` */
  open(account: AccountId, options?: OpenOptions): Promise<Store>;
  /** Removes the blobs of an account that nothing refers to any more. One runs at a time. @throws MailError */
  sweep(account: AccountId): Promise<Swept>;
  load(): EngineLoad;
  /**
   * Lets nobody enter an account (`unavailable`) until the function that it resolves to is called; resolves when all who are in have
   * closed their stores, and its files are closed. For whoever repairs or replaces them.
   * @throws MailError `in-use` when it is shut already; the signal's reason when they do not leave
   */
  shut(account: AccountId, signal: AbortSignal): Promise<() => void>;
  /** Takes no more work, and resolves when what runs has ended. Stores that are still open are of no use then. */
  close(): Promise<void>;
}

export function openEngine(parts: EngineParts): Engine {
  return new MailEngine(parts);
}

class MailEngine implements Engine {
  readonly #accounts: Accounts;
  readonly #upkeep: Upkeep;

  constructor(parts: EngineParts) {
    const settings = { ...DEFAULT_SETTINGS, ...parts.settings };
    this.#accounts = new Accounts(parts, settings);
    this.#upkeep = new Upkeep(this.#accounts, parts.log, settings, (parts.now ?? Date.now)());
  }

  async open(account: AccountId, { create }: OpenOptions = {}): Promise<Store> {
    const open = await this.#accounts.acquire(account, create);
    return new EngineStore(open, released => this.#accounts.release(released));
  }

  async sweep(account: AccountId): Promise<Swept> {
    return this.#accounts.using(account, held => sweep(held));
  }

  load(): EngineLoad {
    return this.#accounts.load();
  }

  shut(account: AccountId, signal: AbortSignal): Promise<() => void> {
    return this.#accounts.shut(account, signal);
  }

  async close(): Promise<void> {
    await this.#upkeep.close();
    await this.#accounts.close();
  }
}
