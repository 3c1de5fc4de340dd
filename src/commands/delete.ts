import { INBOX, mailboxName } from '../imap/mailbox-name.ts';
import { MailError } from '../mail/mail-error.ts';
import { command, LOGGED_IN } from './command.ts';

/**
 * DELETE (RFC 3501 §6.3.4). What is below it stays, and then the name is a level without messages. A client that deletes the mailbox it
 * has selected has none selected afterwards (Dovecot 2.3 answers OK, too, and hangs up).
 */
export const deleteMailbox = command({
  name: 'DELETE',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    return scanner.astring('a mailbox name');
  },
  async run(session, wire) {
    const { mail } = session;
    const name = mailboxName(wire);
    if (name === INBOX) throw new MailError('cannot', 'DELETE INBOX', { answer: 'INBOX cannot be deleted.' });
    const doomed = (await mail.store.list()).find(info => info.name === name)?.id;
    await mail.store.edit({ kind: 'delete', name });
    if (session.state === 'selected' && mail.selected.mailbox.id === doomed) await mail.unselect();
    return { status: 'OK', text: 'DELETE completed.' };
  },
});
