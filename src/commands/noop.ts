import { ANY_STATE, command, nothing } from './command.ts';

/** NOOP (RFC 9051 §6.1.2). */
export const noop = command({
  name: 'NOOP',
  states: ANY_STATE,
  parse: nothing,
  async run() {
    return { status: 'OK', text: 'NOOP completed.' };
  },
});
