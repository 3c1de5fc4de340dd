import { setImmediate } from 'node:timers/promises';
import type { NewMessage } from '../../mail/message.ts';
import { abortable } from '../blobs/abortable.ts';
import type { MessageReading } from './message-reading.ts';

/** Octets that are looked at in one go. */
const SLICE = 64 * 1024;
/** Milliseconds that one message may keep the event loop for itself. */
const TURN_MS = 5;

/**
 * What is to be stored of a message, while it is read, each chunk good until the next is pulled. Large ones are cut, and others get
 * their turn between them.
 * @throws what the source throws; the signal's reason; RangeError when the source has more or fewer octets than were announced, which
 *   is a fault of the caller's
 */
export async function* arriving(
  { source, size }: NewMessage,
  reading: MessageReading,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let come = 0;
  let turn = performance.now();
  // The source itself must hear of the signal: whoever pulls from here could not end it while it is waited for.
  for await (const chunk of abortable(source, signal)) {
    come += chunk.length;
    if (come > size) break;
    for (let at = 0; at < chunk.length; at += SLICE) {
      yield reading.push(chunk.subarray(at, at + SLICE));
      if (performance.now() - turn < TURN_MS) continue;
      await setImmediate();
      turn = performance.now();
    }
  }
  if (come !== size) throw new RangeError(`${come} octets or more have come of a message announced with ${size}`);
}
