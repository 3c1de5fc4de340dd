import { ANY_STATE, command, nothing } from './command.ts';

/** CAPABILITY (RFC 9051 §6.1.1). */
export const capability = command({
  name: 'CAPABILITY',
  states: ANY_STATE,
  parse: nothing,
  async *run(session) {
    yield `* CAPABILITY ${session.capabilities()}\r\n`;
    return { status: 'OK', text: 'CAPABILITY completed.' };
  },
});
