/** Entry point of an index thread: answers calls on accounts until told to close. Started by `thread-client.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { AccountCalls } from './account-calls.ts';
import { type Answer, failureOf, type Request, type ThreadOptions, transferables } from './thread-messages.ts';

const port = parentPort;
if (!port) throw new Error('this file runs as a thread');
const options: ThreadOptions = workerData;
const calls = new AccountCalls({ ...options, now: Date.now });

port.on('message', (request: Request) => {
  if (request === 'close') {
    try {
      calls.close();
    } finally {
      port.close();
    }
    return;
  }
  const { id } = request;
  const answer = (message: Answer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  calls.run(request.call).then(
    value => answer({ id, value }, [...transferables(value)]),
    error => answer({ id, failure: failureOf(error) }),
  );
});
