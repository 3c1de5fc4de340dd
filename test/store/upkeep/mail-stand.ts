import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountId } from '../../../src/auth/account-id.ts';
import type { AccountId, Uid } from '../../../src/mail/ids.ts';
import type { UidRanges } from '../../../src/mail/uid-ranges.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { openLocalBus } from '../../../src/store/bus/local-bus.ts';
import { type AccountPlaces, accountPlaces, type DataPlaces, dataPlaces } from '../../../src/store/data-places.ts';
import { type Engine, openEngine } from '../../../src/store/engine/engine.ts';
import { DEFAULT_MAILBOXES } from '../../../src/store/engine/settings.ts';
import type { Index } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';

export const ALICE = accountId('people', 'alice');
export const BOB = accountId('people', 'bob');
export const NOBODY = new AbortController().signal;
export const ALL: UidRanges = [[1 as Uid, 0xffff_ffff as Uid]];

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export const openIndex = (directory: string): Index => openSqliteIndex({ directory, threads: 0 });
export const openBlobs = (directory: string) => openDirectoryBlobs({ directory });

/** A message as it is told. */
export interface Told {
  readonly uid: number;
  readonly text: string;
  readonly flags: string;
}

/** A data folder with an engine on it, which can be closed and opened again. */
export class MailStand {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-upkeep-'));
  readonly data: DataPlaces = dataPlaces(join(this.folder, 'data'));
  #open: { index: Index; engine: Engine } | undefined;

  places(account: AccountId): AccountPlaces {
    return accountPlaces(this.data.accounts, account);
  }

  get index(): Index {
    return this.#opened().index;
  }

  get engine(): Engine {
    return this.#opened().engine;
  }

  store(account: AccountId) {
    return this.engine.open(account, { create: { mailboxes: DEFAULT_MAILBOXES } });
  }

  /** Appends a message for each text; returns their uids. */
  async append(account: AccountId, mailbox: string, ...texts: readonly string[]): Promise<UidRanges> {
    const store = await this.store(account);
    try {
      const { uids } = await store.append(mailbox, messages(texts), NOBODY);
      return uids;
    } finally {
      await store.close();
    }
  }

  /** Sets flags, or removes messages with `\Deleted` and an expunge. */
  async flag(account: AccountId, mailbox: string, uid: number, flags: readonly string[]): Promise<void> {
    await this.#within(account, mailbox, async opened => {
      const { at } = await opened.snapshot(false);
      const uids: UidRanges = [[uid as Uid, uid as Uid]];
      await opened.setFlags(uids, { kind: 'replace', flags }, { viewAt: at });
      if (flags.includes('\\Deleted')) await opened.expunge(uids);
    });
  }

  /** Everything in a mailbox, content that cannot be read as its error's kind. */
  async read(account: AccountId, mailbox: string): Promise<readonly Told[]> {
    const told: Told[] = [];
    await this.#within(account, mailbox, async opened => {
      for await (const page of opened.rows(ALL, ['flags', 'content'], NOBODY)) {
        for (const [row, uid] of page.uids.entries()) {
          const handle = page.contents?.[row];
          const text = handle ? await contentOf(() => opened.content(handle, WHOLE, NOBODY)) : '';
          told.push({ uid, text, flags: String(page.flags?.[row]) });
        }
      }
    });
    return told;
  }

  async validity(account: AccountId, mailbox: string): Promise<number> {
    const store = await this.engine.open(account);
    const { uidValidity } = await store.status(mailbox);
    await store.close();
    return uidValidity;
  }

  /** Closes what is open, as a server that stops. */
  async stop(): Promise<void> {
    await this.#open?.engine.close();
    await this.#open?.index.close();
    this.#open = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #opened(): { index: Index; engine: Engine } {
    if (this.#open) return this.#open;
    const index = openIndex(this.data.accounts);
    const engine = openEngine({
      index,
      blobs: account => openBlobs(this.places(account).blobs),
      bus: openLocalBus(),
      scanner: { scan: async () => [], close: async () => {} },
      log: silent,
      settings: { upkeepEvery: 0, lookEvery: 0 },
    });
    this.#open = { index, engine };
    return this.#open;
  }

  async #within(
    account: AccountId,
    mailbox: string,
    work: (opened: Awaited<ReturnType<Awaited<ReturnType<Engine['open']>>['open']>>) => Promise<void>,
  ): Promise<void> {
    const store = await this.engine.open(account);
    const opened = await store.open(mailbox, false);
    try {
      await work(opened);
    } finally {
      await opened.close();
      await store.close();
    }
  }
}

const WHOLE = { path: [], want: { kind: 'all' } } as const;

async function* messages(texts: readonly string[]) {
  for (const text of texts) {
    const octets = Buffer.from(text);
    yield { size: octets.length, source: once(octets), flags: [], date: { time: 1_700_000_000_000, zone: 0 } };
  }
}

async function* once(octets: Uint8Array) {
  yield octets;
}

async function contentOf(open: () => Promise<{ read(): AsyncIterable<Uint8Array> } | undefined>): Promise<string> {
  try {
    const content = await open();
    const chunks: Uint8Array[] = [];
    for await (const chunk of content?.read() ?? []) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  } catch (error) {
    return error instanceof Error && 'kind' in error ? `<${String(error.kind)}>` : String(error);
  }
}

/** A small message like no other. */
export function letter(subject: string): string {
  return `From: a@example.org\r\nSubject: ${subject}\r\n\r\nHello, this is ${subject}.\r\n`;
}
