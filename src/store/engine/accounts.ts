import { randomBytes } from 'node:crypto';
import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { NewMailbox } from '../index/index-port.ts';
import type { EngineParts } from './engine-parts.ts';
import { onBlobs } from './failures.ts';
import { OpenAccount } from './open-account.ts';
import type { EngineSettings } from './settings.ts';

interface Entry {
  readonly opening: Promise<OpenAccount>;
  users: number;
}

type Creation = { readonly mailboxes: readonly NewMailbox[] } | undefined;

/**
 * The accounts that are open, each once however many use it. One that nobody uses stays open until too many such wait; the one that
 * has waited longest is closed then.
 */
export class Accounts {
  readonly #parts: Required<EngineParts>;
  readonly #settings: EngineSettings;
  readonly #entries = new Map<AccountId, Entry>();
  /** Those nobody uses, the longest unused first. */
  readonly #idle = new Set<AccountId>();
  readonly #closing = new Map<AccountId, Promise<void>>();
  /** When upkeep should look after those that are closed. */
  readonly #dueAt = new Map<AccountId, number>();
  /** `OpenAccount.straysAt` of those that were open. */
  readonly #straysAt = new Map<AccountId, number>();
  /** Accounts that nobody may enter; called when the last one has left. */
  readonly #shut = new Map<AccountId, () => void>();
  #closed = false;

  constructor(parts: EngineParts, settings: EngineSettings) {
    this.#parts = { now: Date.now, random: randomBytes, room: async () => {}, settings: {}, ...parts };
    this.#settings = settings;
  }

  /** To be released by the caller. @param create what the account begins with when it is new @throws MailError */
  async acquire(id: AccountId, create?: Creation): Promise<OpenAccount> {
    for (;;) {
      if (this.#closed) throw new MailError('unavailable', 'the engine is closed');
      if (this.#shut.has(id)) throw new MailError('unavailable', `account ${id} is shut`);
      const known = this.#entries.get(id);
      const entry = known ?? this.#begin(id, create);
      entry.users += 1;
      this.#idle.delete(id);
      try {
        return await entry.opening;
      } catch (error) {
        // Somebody else's attempt, who may not have wanted it to be made.
        if (!known) throw error;
      }
    }
  }

  release({ id }: OpenAccount): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#idle.add(id);
    this.#shut.get(id)?.();
    for (const oldest of this.#idle) {
      if (this.#idle.size <= this.#settings.idleAccounts) break;
      this.#retire(oldest);
    }
  }

  /**
   * Lets nobody enter an account any more, and resolves when all have left and its files are closed.
   * @returns what lets them enter again
   * @throws MailError `in-use` when it is shut already; the signal's reason when they do not leave; they may enter again then
   */
  async shut(id: AccountId, signal: AbortSignal): Promise<() => void> {
    if (this.#shut.has(id)) throw new MailError('in-use', `account ${id} is shut already`);
    const left = Promise.withResolvers<void>();
    const give = () => left.reject(signal.reason);
    this.#shut.set(id, left.resolve);
    try {
      signal.throwIfAborted();
      signal.addEventListener('abort', give, { once: true });
      const entry = this.#entries.get(id);
      if (!entry || entry.users === 0) left.resolve();
      await left.promise;
      this.#retire(id);
      await this.#closing.get(id);
      return () => this.#shut.delete(id);
    } catch (error) {
      this.#shut.delete(id);
      throw error;
    } finally {
      signal.removeEventListener('abort', give);
    }
  }

  async using<T>(id: AccountId, work: (account: OpenAccount) => Promise<T>): Promise<T> {
    const account = await this.acquire(id);
    try {
      return await account.run(() => work(account));
    } finally {
      this.release(account);
    }
  }

  /** Accounts that upkeep should look after now; those that are closed are named once. */
  async due(): Promise<readonly AccountId[]> {
    const now = this.#parts.now();
    const entries = await Promise.allSettled([...this.#entries.values()].map(({ opening }) => opening));
    const open = entries.flatMap(entry => (entry.status === 'fulfilled' ? [entry.value] : []));
    const due = open.filter(({ dueAt }) => dueAt <= now).map(({ id }) => id);
    for (const [id, dueAt] of this.#dueAt) {
      if (dueAt > now) continue;
      this.#dueAt.delete(id);
      due.push(id);
    }
    return due;
  }

  load(): { readonly accounts: number; readonly stores: number } {
    let stores = 0;
    for (const { users } of this.#entries.values()) stores += users;
    return { accounts: this.#entries.size, stores };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#entries.values()].map(({ opening }) => opening));
    for (const id of this.#entries.keys()) this.#retire(id);
    await Promise.all(this.#closing.values());
  }

  #begin(id: AccountId, create: Creation): Entry {
    const entry: Entry = { opening: this.#open(id, create), users: 0 };
    this.#entries.set(id, entry);
    entry.opening.catch(() => {
      this.#entries.delete(id);
      this.#shut.get(id)?.();
    });
    return entry;
  }

  async #open(id: AccountId, create: Creation): Promise<OpenAccount> {
    // What closes now holds files that the one that opens would hold again.
    await this.#closing.get(id);
    const index = await this.#parts.index.open(id, create);
    try {
      const blobs = await onBlobs(() => this.#parts.blobs(id));
      this.#dueAt.delete(id);
      return new OpenAccount(id, index, blobs, this.#parts, this.#settings, this.#straysAt.get(id) ?? 0);
    } catch (error) {
      await index.close();
      throw error;
    }
  }

  #retire(id: AccountId): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#idle.delete(id);
    const closed = this.#close(entry).finally(() => this.#closing.delete(id));
    this.#closing.set(id, closed);
  }

  async #close({ opening }: Entry): Promise<void> {
    const account = await opening;
    this.#straysAt.set(account.id, account.straysAt);
    if (account.dueAt < Number.POSITIVE_INFINITY) this.#dueAt.set(account.id, account.dueAt);
    await account.close();
  }
}
