import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AccountId } from '../../../src/mail/ids.ts';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { openLocalBus } from '../../../src/store/bus/local-bus.ts';
import { type Engine, openEngine } from '../../../src/store/engine/engine.ts';
import type { EngineParts } from '../../../src/store/engine/engine-parts.ts';
import type { EngineSettings } from '../../../src/store/engine/settings.ts';
import { accountFolder } from '../../../src/store/index/account-file.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import type { Scanner } from '../../../src/store/search/scanner.ts';

export const alice = 'aaaaaaaaaaaaaaaaaaaaaaaaaa' as AccountId;
export const bob = 'bbbbbbbbbbbbbbbbbbbbbbbbba' as AccountId;

/** Nothing is logged; what tests look at is handed in. */
export const quiet: EngineParts['log'] = { debug() {}, info() {}, warn() {}, error() {} };

/** For tests that search no texts. */
export const noScanner: Scanner = {
  scan: () => Promise.reject(new Error('nothing is to be scanned')),
  close: async () => {},
};

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'postern-engine-'));
}

/** The same, which goes with the test. */
export function ownDirectory(): string {
  const directory = newDirectory();
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const blobFolder = (directory: string, account: AccountId) => join(accountFolder(directory, account), 'blobs');

export interface EngineStand {
  readonly engine: Engine;
  readonly parts: EngineParts;
  /** The engine and what it stands on; the files stay. */
  close(): Promise<void>;
}

/** An engine on SQLite on this thread, and files; `change` what is to be different. */
export function standOn(
  directory: string,
  change: Partial<EngineParts> = {},
  settings: Partial<EngineSettings> = {},
): EngineStand {
  const parts: EngineParts = {
    index: openSqliteIndex({ directory, threads: 0, ...(change.now && { now: change.now }) }),
    blobs: (account): Promise<Blobs> =>
      openDirectoryBlobs({ directory: blobFolder(directory, account), ...(change.now && { now: change.now }) }),
    bus: openLocalBus(),
    scanner: noScanner,
    log: quiet,
    ...change,
    settings: { upkeepEvery: 0, lookEvery: 0, ...settings },
  };
  const engine = openEngine(parts);
  return {
    engine,
    parts,
    async close() {
      await engine.close();
      await parts.index.close();
      await parts.scanner.close();
    },
  };
}

/** The same with files of its own; all of it goes with the test. */
export function stand(change: Partial<EngineParts> = {}, settings: Partial<EngineSettings> = {}): EngineStand {
  const opened = standOn(ownDirectory(), change, settings);
  onTestFinished(() => opened.close());
  return opened;
}
