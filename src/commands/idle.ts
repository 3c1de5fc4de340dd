import { command, LOGGED_IN, nothing } from './command.ts';

/** IDLE (RFC 2177 §3). */
export const idle = command({
  name: 'IDLE',
  states: LOGGED_IN,
  parse: nothing,
  async *run({ mail }) {
    const line = yield* mail.idle();
    if (line.toUpperCase() !== 'DONE') return { status: 'BAD', text: 'DONE was expected.' };
    return { status: 'OK', text: 'IDLE completed.' };
  },
});
