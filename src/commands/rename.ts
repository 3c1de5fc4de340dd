import { checkNewName, INBOX, mailboxName, newMailboxName, SEPARATOR } from '../imap/mailbox-name.ts';
import { MailError } from '../mail/mail-error.ts';
import { command, LOGGED_IN } from './command.ts';

/** RENAME (RFC 3501 §6.3.5), of a level too; of INBOX it takes the messages only. Subscriptions stay with the names they were made for. */
export const rename = command({
  name: 'RENAME',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    const from = scanner.astring('a mailbox name');
    scanner.space();
    return { from, to: scanner.astring('a mailbox name') };
  },
  async run({ mail }, args) {
    const from = mailboxName(args.from);
    const to = newMailboxName(args.to);
    if (to.startsWith(from + SEPARATOR) && from !== INBOX) {
      throw new MailError('cannot', 'RENAME into itself', { answer: 'A mailbox cannot be moved below itself.' });
    }
    if (from !== INBOX) {
      // The names below grow with it, and must be possible, too.
      for (const { name } of await mail.store.list()) {
        if (name.startsWith(from + SEPARATOR)) checkNewName(to + name.slice(from.length));
      }
    }
    await mail.store.edit({ kind: 'rename', from, to });
    return { status: 'OK', text: 'RENAME completed.' };
  },
});
