import { parentPort } from 'node:worker_threads';
import { type Answer, failureOf, type Request, transferables } from './thread-messages.ts';

/** What a thread does with calls. */
export interface Served<Call> {
  run(call: Call): Promise<unknown>;
  close(): void;
}

/** Answers the calls of a `ThreadClient` until it says to close. */
export function serveThread<Call>({ run, close }: Served<Call>): void {
  const port = parentPort;
  if (!port) throw new Error('this file runs as a thread');
  const answer = (message: Answer, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  port.on('message', (request: Request<Call>) => {
    if (request === 'close') {
      try {
        close();
      } finally {
        port.close();
      }
      return;
    }
    const { id } = request;
    run(request.call).then(
      value => answer({ id, value }, [...transferables(value)]),
      error => answer({ id, failure: failureOf(error) }),
    );
  });
}
