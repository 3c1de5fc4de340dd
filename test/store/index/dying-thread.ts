/** An index thread that dies when it is asked for a mailbox of a certain name. */
import { parentPort } from 'node:worker_threads';
import '../../../src/store/index/index-thread.ts';
import type { Call } from '../../../src/store/index/account-calls.ts';
import type { Request } from '../../../src/store/index/thread-messages.ts';

parentPort?.on('message', (request: Request<Call>) => {
  if (request === 'close' || request.call.kind !== 'call') return;
  const [name] = request.call.args;
  if (name === 'die') process.exit(3);
  if (name === 'throw') throw new Error('a bug outside any call');
});
