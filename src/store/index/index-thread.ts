/** Entry point of an index thread: answers calls on accounts. Started by `index-worker.ts`. */
import { workerData } from 'node:worker_threads';
import { AccountCalls, type Call } from './account-calls.ts';
import type { IndexThreadOptions } from './index-worker.ts';
import { serveThread } from './serve-thread.ts';

const options: IndexThreadOptions = workerData;
const calls = new AccountCalls({ ...options, now: Date.now });
serveThread<Call>({ run: call => calls.run(call), close: () => calls.close() });
