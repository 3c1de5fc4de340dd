import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { accountId } from '../../src/auth/account-id.ts';
import { openDirectoryBlobs } from '../../src/store/blobs/directory-blobs.ts';
import { openLocalBus } from '../../src/store/bus/local-bus.ts';
import { accountPlaces } from '../../src/store/data-places.ts';
import { openEngine } from '../../src/store/engine/engine.ts';
import { openSqliteIndex } from '../../src/store/index/sqlite-index.ts';
import { openScanner } from '../../src/store/search/scanner.ts';
import type { Backing } from './world.ts';

/** The embedded store as it is served, in memory where the system has a folder for that: a sync costs nothing there. */
export async function engineBacking(): Promise<Backing> {
  const shared = '/dev/shm';
  const directory = mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'postern-model-'));
  const log = pino({ level: 'error' });
  const index = openSqliteIndex({ directory, threads: 1, openMost: 8, log });
  const blobsOf = (name: string) => accountPlaces(directory, accountId('model', name)).blobs;
  const scanner = openScanner({ directoryOf: account => accountPlaces(directory, account).blobs });
  const engine = openEngine({
    index,
    blobs: account => openDirectoryBlobs({ directory: accountPlaces(directory, account).blobs }),
    bus: openLocalBus(),
    scanner,
    log,
    settings: { idleAccounts: 1, upkeepEvery: 0 },
  });
  const box = (name: string) => ({ kind: 'create', name, subscribe: true }) as const;
  return {
    open: name => engine.open(accountId('model', name), { create: { mailboxes: [box('a'), box('b')] } }),
    async drop(name) {
      rmSync(join(blobsOf(name), '..'), { recursive: true, force: true });
    },
    async close() {
      await engine.close();
      await Promise.all([scanner.close(), index.close()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
