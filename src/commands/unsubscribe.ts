import { mailboxName } from '../imap/mailbox-name.ts';
import { command, LOGGED_IN } from './command.ts';

/** UNSUBSCRIBE (RFC 3501 §6.3.7), also from what is no longer there, or never was subscribed. */
export const unsubscribe = command({
  name: 'UNSUBSCRIBE',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    return scanner.astring('a mailbox name');
  },
  async run({ mail }, wire) {
    await mail.store.edit({ kind: 'unsubscribe', name: mailboxName(wire) });
    return { status: 'OK', text: 'UNSUBSCRIBE completed.' };
  },
});
