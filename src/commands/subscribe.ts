import { hierarchyOf } from '../imap/hierarchy.ts';
import { mailboxName } from '../imap/mailbox-name.ts';
import { MailError } from '../mail/mail-error.ts';
import { command, LOGGED_IN } from './command.ts';

/**
 * SUBSCRIBE (RFC 3501 §6.3.6), to what there is: the RFC lets a server look, and names nobody could read would otherwise pile up.
 */
export const subscribe = command({
  name: 'SUBSCRIBE',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    return scanner.astring('a mailbox name');
  },
  async run({ mail }, wire) {
    const name = mailboxName(wire);
    const found = hierarchyOf(await mail.store.list()).find(({ info }) => info.name === name);
    if (!found?.exists) throw new MailError('nonexistent', 'SUBSCRIBE to nothing');
    await mail.store.edit({ kind: 'subscribe', name });
    return { status: 'OK', text: 'SUBSCRIBE completed.' };
  },
});
