import { type SequenceSet, scanSequenceSet } from '../imap/sequence-set.ts';
import { MailError } from '../mail/mail-error.ts';
import type { UidRanges } from '../mail/uid-ranges.ts';
import type { Completion, MailSession } from '../session/contract.ts';
import { command, nothing, SELECTED } from './command.ts';

/** EXPUNGE (RFC 9051 §6.4.3). What is gone is told as after any command. */
export const expunge = command({
  name: 'EXPUNGE',
  states: SELECTED,
  parse: nothing,
  run: ({ mail }) => expungeMessages(mail, undefined),
});

/** UID EXPUNGE (RFC 4315 §2.1): of these messages only. */
export const uidExpunge = command<SequenceSet>({
  name: 'EXPUNGE',
  states: SELECTED,
  parse(scanner) {
    scanner.space();
    return scanSequenceSet(scanner);
  },
  run: async ({ mail }, set) => await expungeMessages(mail, await mail.selected.resolve(set, true)),
});

async function expungeMessages({ selected }: MailSession, uids: UidRanges | undefined): Promise<Completion> {
  if (selected.readOnly) throw new MailError('read-only', 'EXPUNGE after EXAMINE');
  if (uids?.length !== 0) await selected.mailbox.expunge(uids);
  return { status: 'OK', text: 'EXPUNGE completed.' };
}
