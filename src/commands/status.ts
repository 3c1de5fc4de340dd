import { encodeMailboxName, mailboxName, unicodeOf } from '../imap/mailbox-name.ts';
import type { StatusItem } from '../items/status-item.ts';
import type { Vocabulary } from '../items/vocabulary.ts';
import type { ModSeq } from '../mail/ids.ts';
import type { MailboxStatus } from '../mail/mailbox.ts';
import type { CommandSession } from '../session/contract.ts';
import { Encoder } from '../wire/encoder.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';
import { type AnyCommand, command, LOGGED_IN } from './command.ts';

/** STATUS (RFC 3501 §6.3.10). */
export function status({ statusItems }: Vocabulary): AnyCommand {
  return command({
    name: 'STATUS',
    states: LOGGED_IN,
    parse(scanner) {
      scanner.space();
      const name = scanner.astring('a mailbox name');
      scanner.space();
      return { name, items: scanItems(scanner, statusItems) };
    },
    async *run(session, { name: wire, items }) {
      const name = mailboxName(wire);
      const found = asTold(session, await session.mail.store.status(name));
      for (const { enables } of items) if (enables) session.mail.enable(enables);
      const answer = new Encoder().raw('* STATUS ');
      // By the name that the client has for it, in its case and its form of Unicode: it may look for that.
      encodeMailboxName(answer, unicodeOf(wire))
        .space()
        .list(items, (out, item) => out.raw(`${item.name} ${item.value(found)}`));
      yield Buffer.concat(answer.finish());
      return { status: 'OK', text: 'STATUS completed.' };
    },
  });
}

/** Each item once, in the order asked. @throws Malformed */
function scanItems(scanner: Scanner, known: ReadonlyMap<string, StatusItem>): StatusItem[] {
  const items = scanner.list(() => {
    const item = known.get(scanner.atom('an item').toUpperCase());
    if (!item) throw new Malformed('an item is not known');
    return item;
  });
  if (items.length === 0) throw new Malformed('an item was expected');
  return [...new Set(items)];
}

/** Of the selected mailbox, a position above expunges that the client has not been told of would lose them when it comes back. */
function asTold(session: CommandSession, found: MailboxStatus): MailboxStatus {
  if (session.state !== 'selected') return found;
  const { mailbox, highestModSeq } = session.mail.selected;
  return mailbox.id === found.id && highestModSeq < found.at ? { ...found, at: highestModSeq as ModSeq } : found;
}
