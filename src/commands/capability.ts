import { command, nothing } from './command.ts';

/** CAPABILITY (RFC 9051 §6.1.1). */
export const capability = command({
  name: 'CAPABILITY',
  states: ['not-authenticated'],
  parse: nothing,
  async *run(session) {
    yield `* CAPABILITY ${session.capabilities()}\r\n`;
    return { status: 'OK', text: 'CAPABILITY completed.' };
  },
});
