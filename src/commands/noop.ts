import { command, nothing } from './command.ts';

/** NOOP (RFC 9051 §6.1.2). */
export const noop = command({
  name: 'NOOP',
  states: ['not-authenticated'],
  parse: nothing,
  async run() {
    return { status: 'OK', text: 'NOOP completed.' };
  },
});
