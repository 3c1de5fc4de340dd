import { hierarchyOf } from '../imap/hierarchy.ts';
import { mailboxName } from '../imap/mailbox-name.ts';
import { MailError } from '../mail/mail-error.ts';
import { command, LOGGED_IN } from './command.ts';

/** Names in all; deleting a mailbox leaves its subscription, as RFC 3501 §6.3.6 wants it. */
const SUBSCRIPTIONS_MOST = 20_000;

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
    const entries = hierarchyOf(await mail.store.list());
    const found = entries.find(({ info }) => info.name === name);
    if (!found?.exists) throw new MailError('nonexistent', 'SUBSCRIBE to nothing');
    if (entries.filter(({ info }) => info.subscribed).length >= SUBSCRIPTIONS_MOST) {
      throw new MailError('limit', 'too many subscriptions', { answer: 'Too many names are subscribed.' });
    }
    await mail.store.edit({ kind: 'subscribe', name });
    return { status: 'OK', text: 'SUBSCRIBE completed.' };
  },
});
