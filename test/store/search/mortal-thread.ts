import { parentPort } from 'node:worker_threads';
import type { ScanBatch } from '../../../src/store/search/scan-batch.ts';
import '../../../src/store/search/scan-thread.ts';

/** The search thread, which can be told to end, or to fail where nobody catches it. */
parentPort?.on('message', ({ residuals }: ScanBatch) => {
  const [query] = residuals;
  if (query?.kind !== 'body') return;
  if (query.text === 'die') process.exit(1);
  if (query.text === 'throw') throw new Error('as told');
});
