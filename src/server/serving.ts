import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Principal } from '../auth/principal.ts';
import type { Config, StoreConfig } from '../config/schema.ts';
import { DEFAULT_STORE } from '../config/stores.ts';
import type { AccountId } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import type { SpecialUse } from '../mail/mailbox.ts';
import type { Store } from '../mail/store.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { openDirectoryBlobs } from '../store/blobs/directory-blobs.ts';
import { ReadMemory } from '../store/blobs/read-memory.ts';
import { openLocalBus } from '../store/bus/local-bus.ts';
import type { Catalogue } from '../store/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../store/catalogue/sqlite-catalogue.ts';
import { type DataLock, takeDataFolder } from '../store/data-lock.ts';
import { accountPlaces, type DataPlaces, dataPlaces } from '../store/data-places.ts';
import { type Engine, type EngineLoad, openEngine } from '../store/engine/engine.ts';
import type { Index, NewMailbox } from '../store/index/index-port.ts';
import { openSqliteIndex } from '../store/index/sqlite-index.ts';
import { openScanner, type Scanner } from '../store/search/scanner.ts';
import { makeFolder } from '../store/upkeep/durable-files.ts';
import { SnapshotRounds } from '../store/upkeep/snapshot-rounds.ts';
import { finishSwaps } from '../store/upkeep/swap.ts';
import { DamageTeller } from './damage-teller.ts';
import { DataProbe, type DataState } from './data-probe.ts';
import { IndexCopies } from './index-copies.ts';
import { measuredBlobs } from './measured-blobs.ts';

export interface ServingDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A message is at most as long as IMAP can count (RFC 9051 §9, number); how long it may be, the session asks `limits.literal`. */
const MESSAGE_MOST = 0xffff_ffff;

/** Everything that serves mailboxes from one data folder: opened once, and kept until the process ends. */
export class Serving {
  readonly data: DataPlaces;
  readonly #lock: DataLock;
  readonly #index: Index;
  readonly #scanner: Scanner;
  readonly #engine: Engine;
  readonly #snapshots: SnapshotRounds;
  readonly #probe: DataProbe;
  readonly #catalogue: Catalogue;
  readonly #damage: DamageTeller;
  readonly #log: Logger;
  readonly #copies = new IndexCopies();

  /** @throws DataFolderError when the folder is not to be had */
  static async open(root: string, config: StoreConfig, deps: ServingDeps): Promise<Serving> {
    const lock = takeDataFolder(root);
    try {
      const data = dataPlaces(root);
      await makeFolder(data.accounts);
      const settled = await finishSwaps(data);
      if (settled > 0) deps.log.warn({ accounts: settled }, 'ended a restore that was cut off');
      await rm(copiesFolder(data), { recursive: true, force: true });
      return new Serving(lock, data, config, deps);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  private constructor(lock: DataLock, data: DataPlaces, config: StoreConfig, { log, metrics }: ServingDeps) {
    this.#lock = lock;
    this.data = data;
    this.#log = log;
    this.#damage = new DamageTeller(log);
    this.#catalogue = openSqliteCatalogue(data.catalogue, { log });
    const { threads, open_accounts: openAccounts } = config;
    const openMost = Math.max(1, Math.ceil(openAccounts / threads));
    this.#index = openSqliteIndex({
      directory: data.accounts,
      threads,
      openMost,
      mailboxesMost: config.mailboxes,
      log,
      observe: (account, operation, outcome, seconds) => {
        metrics.indexSeconds.observe({ operation, outcome }, seconds);
        if (outcome === 'damaged') this.#damage.tell(account);
      },
    });
    const blobsOf = (account: AccountId) => accountPlaces(data.accounts, account).blobs;
    this.#scanner = openScanner({
      directoryOf: blobsOf,
      onUnreadable: (account, blob, reason) => log.error({ account, blob, reason }, 'a message could not be searched'),
    });
    // One for all accounts, however many are open.
    const memory = new ReadMemory();
    this.#engine = openEngine({
      index: this.#index,
      blobs: async account =>
        measuredBlobs(await openDirectoryBlobs({ directory: blobsOf(account), memory }), (operation, octets) => {
          metrics.blobs.inc({ operation });
          if (octets > 0) metrics.blobBytes.inc({ operation }, octets);
        }),
      bus: openLocalBus(),
      scanner: this.#scanner,
      log,
      settings: {
        // The data folder is ours alone: nobody else changes a mailbox without a wake.
        lookEvery: 0,
        messageMost: MESSAGE_MOST,
        idleAccounts: openAccounts,
        sweepGrace: config.sweep_grace,
        upkeepEvery: config.sweep_every,
        longestAppend: config.stray_age,
        tombstonesKept: config.remember_expunged,
      },
    });
    this.#snapshots = new SnapshotRounds(
      {
        accounts: data.accounts,
        copyIndex: (account, path) =>
          this.#copies.of(account, async () => (await this.#index.open(account)).copyTo(path)),
        scratch: join(copiesFolder(data), 'snapshots'),
        openIndex: directory => openSqliteIndex({ directory, threads: 1, log }),
        log,
        onSnapshot: outcome => metrics.snapshots.inc({ outcome }),
      },
      config.snapshots,
    );
    this.#probe = new DataProbe(data.root, log);
    metrics.beforeRender(() => {
      const { accounts, free, fault } = this.state();
      metrics.accountsOpen.set(accounts);
      metrics.dataWritable.set(fault === undefined ? 1 : 0);
      if (free !== undefined) metrics.dataFreeBytes.set(free);
    });
  }

  /** Opens the mailboxes of a principal. @throws MailError */
  async serve({ account, directory, id, login }: Principal, config: StoreConfig): Promise<Store> {
    try {
      const store = await this.openStore(account, config);
      // Not waited for: whose the mail is, is for administrators to know.
      this.#catalogue.record(account, { directory, entry: id, login }).catch((error: unknown) => {
        this.#log.warn({ account, login, err: error }, 'the catalogue of accounts could not be written');
      });
      return store;
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      // Not "there is no such mailbox": for the client there was no name of one in what it asked.
      if (error.kind === 'nonexistent') {
        const detail = `account ${account} has no mailboxes, and stores.${DEFAULT_STORE}.create is never`;
        throw new MailError('contact-admin', detail, { cause: error });
      }
      throw error;
    }
  }

  /** Opens the mailboxes of an account. @throws MailError; `nonexistent` when there are none and none are to be made */
  openStore(account: AccountId, { create, folders }: StoreConfig): Promise<Store> {
    return this.#engine.open(account, create === 'never' ? {} : { create: { mailboxes: firstMailboxes(folders) } });
  }

  /** Takes over what a changed configuration says of the store, as far as that is possible while it is open. */
  apply({ snapshots }: StoreConfig): void {
    this.#snapshots.apply(snapshots);
  }

  /** Copies an account's index to a file below the data folder, for a backup, which takes it away. @throws MailError */
  async copyIndex(account: AccountId): Promise<string> {
    const folder = copiesFolder(this.data);
    await makeFolder(folder);
    const path = join(folder, `${account}-${process.hrtime.bigint()}.db`);
    await this.#copies.of(account, async () => (await this.#index.open(account)).copyTo(path));
    return path;
  }

  /**
   * Closes an account for whoever repairs or restores it: nobody can log in to it, and none of its files is open.
   * @returns what opens it again
   * @throws MailError `in-use` when it is held already; the signal's reason when those who are in do not leave
   */
  async hold(account: AccountId, signal: AbortSignal): Promise<() => void> {
    const reopen = await this.#engine.shut(account, signal);
    try {
      const allow = await this.#copies.forbid(account);
      await this.#releaseFile(account);
      return () => {
        allow();
        reopen();
      };
    } catch (error) {
      reopen();
      throw error;
    }
  }

  /** A copy may have opened it, and nobody closed it since. */
  async #releaseFile(account: AccountId): Promise<void> {
    try {
      await (await this.#index.open(account)).close();
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
    }
  }

  /** For status and metrics. */
  state(): DataState & EngineLoad {
    return { ...this.#probe.state, ...this.#engine.load() };
  }

  async close(): Promise<void> {
    this.#probe.close();
    await this.#snapshots.close();
    await this.#engine.close();
    await Promise.allSettled([this.#scanner.close(), this.#index.close(), this.#catalogue.close()]);
    this.#lock.release();
  }
}

/** The store that a configuration has in force; undefined when no route leads to it. */
export function servedStore(config: Config): StoreConfig | undefined {
  if (!config.routes.some(({ mounts }) => mounts !== undefined)) return undefined;
  const store = config.stores[DEFAULT_STORE];
  if (!store) throw new Error(`unreachable: the store ${DEFAULT_STORE} is there without being described`);
  return store;
}

/** Copies of indexes that wait to be taken away by a backup. */
function copiesFolder({ root }: DataPlaces): string {
  return join(root, 'copies');
}

const USES: Readonly<Record<StoreConfig['folders'][string], SpecialUse | undefined>> = {
  archive: '\\Archive',
  drafts: '\\Drafts',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
  none: undefined,
};

/** What a new account begins with, besides INBOX. */
export function firstMailboxes(folders: StoreConfig['folders']): readonly NewMailbox[] {
  return Object.entries(folders).map(([name, use]) => {
    const specialUse = USES[use];
    return { kind: 'create', name: name.normalize('NFC'), subscribe: true, ...(specialUse && { specialUse }) };
  });
}
