import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { accountFolder } from '../../../src/store/index/account-file.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { type IndexSubject, indexConformance } from '../../conformance/index.ts';
import { account } from './new-row.ts';

for (const [name, threads] of [
  ['SQLite on the calling thread', 0],
  ['SQLite in threads', 2],
] as const) {
  indexConformance(name, async (): Promise<IndexSubject> => {
    const root = mkdtempSync(join(tmpdir(), 'postern-index-'));
    let copies = 0;
    return {
      // Few open at a time, so that accounts are closed and opened again all the while.
      open: async () => openSqliteIndex({ directory: join(root, 'accounts'), threads, openMost: 3 }),
      copyPath() {
        copies += 1;
        return join(root, `copy-${copies}.db`);
      },
      async openCopy(path) {
        const directory = join(root, `restored-${copies}`);
        const to = join(accountFolder(directory, account('copy')), 'index.db');
        mkdirSync(dirname(to), { recursive: true });
        copyFileSync(path, to);
        const index = openSqliteIndex({ directory, threads });
        return { index, account: await index.open(account('copy')) };
      },
      close: async () => rmSync(root, { recursive: true }),
    };
  });
}
