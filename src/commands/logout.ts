import { renderStatus } from '../imap/status.ts';
import { ANY_STATE, command, nothing } from './command.ts';

/** LOGOUT (RFC 9051 §6.1.3): BYE comes before the tagged OK. */
export const logout = command({
  name: 'LOGOUT',
  states: ANY_STATE,
  parse: nothing,
  async *run() {
    yield renderStatus('*', { status: 'BYE', text: 'Logging out.' });
    return { status: 'OK', text: 'LOGOUT completed.', afterwards: 'logout' };
  },
});
