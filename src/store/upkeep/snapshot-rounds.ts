import { rename, rm } from 'node:fs/promises';
import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Logger } from '../../observe/log.ts';
import { accountPlaces, accountsIn } from '../data-places.ts';
import { type Index, UNSOUND } from '../index/index-port.ts';
import { makeFolder } from './durable-files.ts';
import { makeSnapshot, wantsSnapshot } from './index-snapshots.ts';

export interface SnapshotSettings {
  /** Milliseconds between two snapshots of an account that changes; 0: none are made. */
  readonly every: number;
  /** How many are kept of each. */
  readonly keep: number;
}

export interface SnapshotParts {
  /** The folder of all accounts. */
  readonly accounts: string;
  /** Copies an account's index to a new file, whole and at one moment. @throws MailError */
  readonly copyIndex: (account: AccountId, path: string) => Promise<void>;
  /** A folder on the same file system in which nothing else is. */
  readonly scratch: string;
  /** Opens the copies there, for looking at them: in a thread, since that takes time. */
  readonly openIndex: (accounts: string) => Index;
  readonly log: Pick<Logger, 'error'>;
  readonly onSnapshot: (outcome: 'ok' | 'failed') => void;
}

const LONGEST_PAUSE_MS = 3_600_000;
const SHORTEST_PAUSE_MS = 250;

/**
 * Makes snapshots of the accounts whose index has changed, one after the other. A copy takes a damage along, so each is looked at first:
 * a damaged one must not push out those from before.
 */
export class SnapshotRounds {
  readonly #parts: SnapshotParts;
  #settings: SnapshotSettings;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: SnapshotParts, settings: SnapshotSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#schedule();
  }

  apply(settings: SnapshotSettings): void {
    this.#settings = settings;
    clearTimeout(this.#timer);
    void this.#round.then(() => this.#schedule());
  }

  /** Resolves when the account that is being copied is done. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { every } = this.#settings;
    if (every === 0 || this.#closed) return;
    const pause = Math.max(SHORTEST_PAUSE_MS, Math.min(LONGEST_PAUSE_MS, every / 8));
    this.#timer = setTimeout(() => {
      this.#round = this.#goRound().finally(() => this.#schedule());
    }, pause).unref();
  }

  async #goRound(): Promise<void> {
    const { accounts, log } = this.#parts;
    try {
      for await (const account of accountsIn(accounts)) {
        if (this.#closed) return;
        if (await wantsSnapshot(accountPlaces(accounts, account), this.#settings.every, Date.now())) {
          await this.#snapshot(account);
        }
      }
    } catch (error) {
      log.error({ err: error }, 'snapshots of the indexes could not be made');
    }
  }

  async #snapshot(account: AccountId): Promise<void> {
    const { accounts, log, onSnapshot } = this.#parts;
    try {
      const places = accountPlaces(accounts, account);
      await makeSnapshot(places, path => this.#copy(account, path), this.#settings.keep, Date.now());
      onSnapshot('ok');
    } catch (error) {
      // Somebody repairs or restores it: the next round looks again.
      if (error instanceof MailError && error.kind === 'in-use') return;
      onSnapshot('failed');
      const damaged = error instanceof MailError && error.kind === 'damaged';
      const mend = damaged ? { mend: `postern repair --account ${account}` } : {};
      log.error({ account, err: error, ...mend }, 'a snapshot of an index could not be made');
    }
  }

  async #copy(account: AccountId, path: string): Promise<void> {
    const { copyIndex, scratch, openIndex } = this.#parts;
    const copy = accountPlaces(scratch, account);
    await rm(copy.folder, { recursive: true, force: true });
    await makeFolder(copy.folder);
    try {
      await copyIndex(account, copy.index);
      const copies = openIndex(scratch);
      try {
        const fault = (await (await copies.open(account)).verify()).find(found => found.startsWith(UNSOUND));
        if (fault !== undefined) throw new MailError('damaged', `the index of ${account}: ${fault}`);
      } finally {
        await copies.close();
      }
      await rename(copy.index, path);
    } finally {
      await rm(copy.folder, { recursive: true, force: true });
    }
  }
}
