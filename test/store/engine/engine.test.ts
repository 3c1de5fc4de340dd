import { rmSync } from 'node:fs';
import { openScanner } from '../../../src/store/search/scanner.ts';
import { storeConformance } from '../../conformance/store.ts';
import { alice, blobFolder, newDirectory, standOn } from './engine-stand.ts';

storeConformance('the engine on SQLite and files', async () => {
  const directory = newDirectory();
  const scanner = openScanner({ directoryOf: account => blobFolder(directory, account) });
  const { engine, close } = standOn(directory, { scanner }, { pageRows: 50 });
  return {
    open: () => engine.open(alice, { create: { mailboxes: [] } }),
    async close() {
      await close();
      rmSync(directory, { recursive: true });
    },
  };
});
