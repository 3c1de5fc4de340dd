import { rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { accountId } from '../../../src/auth/account-id.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { openScanner } from '../../../src/store/search/scanner.ts';
import { storeConformance } from '../../conformance/store.ts';
import { blobFolder, newDirectory, standOn } from './engine-stand.ts';

/** As in a server: one engine for all accounts, the index in threads of its own, wakes looked after, accounts closed when idle. */
const directory = newDirectory();
const scanner = openScanner({ directoryOf: account => blobFolder(directory, account) });
const index = openSqliteIndex({ directory, threads: 2, openMost: 2 });
const { engine, close } = standOn(directory, { index, scanner }, { lookEvery: 5000, upkeepEvery: 50, idleAccounts: 1 });
let accounts = 0;

afterAll(async () => {
  await close();
  rmSync(directory, { recursive: true });
});

storeConformance('the engine with threads', async () => {
  accounts += 1;
  const account = accountId('test', String(accounts));
  return { open: () => engine.open(account, { create: { mailboxes: [] } }), close: async () => {} };
});
