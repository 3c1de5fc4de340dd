import { SEPARATOR } from '../imap/mailbox-name.ts';
import { command, LOGGED_IN, nothing } from './command.ts';

/** NAMESPACE (RFC 2342 §5): one's own mailboxes, with no prefix; none of others, and none shared. */
export const namespace = command({
  name: 'NAMESPACE',
  states: LOGGED_IN,
  parse: nothing,
  async *run() {
    yield `* NAMESPACE (("" "${SEPARATOR}")) NIL NIL\r\n`;
    return { status: 'OK', text: 'NAMESPACE completed.' };
  },
});
