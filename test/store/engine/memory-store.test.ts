import { storeConformance } from '../../conformance/store.ts';
import { MemoryAccount } from '../../support/memory-store.ts';

storeConformance('an account on plain arrays', async () => {
  const account = new MemoryAccount();
  return { open: async () => account.open(), close: async () => {} };
});
