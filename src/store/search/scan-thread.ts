import { parentPort } from 'node:worker_threads';
import type { ScanAnswer, ScanBatch } from './scan-batch.ts';
import { scanMessages } from './scan-messages.ts';

/** What the thread says of a batch: what it found, or why it could not. */
export type ThreadReply = { readonly answer: ScanAnswer } | { readonly failure: string };

const port = parentPort;
if (!port) throw new Error('this file runs in a thread');

port.on('message', (batch: ScanBatch) => {
  scanMessages(batch).then(
    answer => port.postMessage({ answer } satisfies ThreadReply),
    (error: unknown) => {
      port.postMessage({ failure: error instanceof Error ? error.message : String(error) } satisfies ThreadReply);
    },
  );
});
