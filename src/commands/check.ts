import { command, nothing, SELECTED } from './command.ts';

/** CHECK (RFC 3501 §6.4.1). Everything answered OK is on disk already: there is nothing more to do than for NOOP. */
export const check = command({
  name: 'CHECK',
  states: SELECTED,
  parse: nothing,
  async run() {
    return { status: 'OK', text: 'CHECK completed.' };
  },
});
