import { mailboxName } from '../imap/mailbox-name.ts';
import { renderStatus } from '../imap/status.ts';
import { MailError } from '../mail/mail-error.ts';
import { type AnyCommand, command, SELECTED } from './command.ts';
import { copyUid, nothingLeft, scanTarget, type Target } from './copy.ts';

/** MOVE, and UID MOVE (RFC 6851 §3.1, §3.2). The expunges are told before the tagged answer, as everything is that has happened. */
export function move(byUid: boolean): AnyCommand {
  return command<Target>({
    name: 'MOVE',
    states: SELECTED,
    parse: scanTarget,
    async *run({ mail: { selected } }, { set, to }) {
      const uids = await selected.resolve(set, byUid);
      const target = mailboxName(to);
      if (selected.readOnly) throw new MailError('read-only', 'MOVE from a mailbox that was opened with EXAMINE');
      if (uids.length === 0) return { status: 'OK', text: 'There was nothing to move.' };
      const moved = await selected.mailbox.copy(uids, target, true);
      if (moved.from.length === 0) return nothingLeft('move', byUid);
      // RFC 6851 §4.3: before the expunges, or the client could not tell what has become of the messages.
      yield renderStatus('*', { status: 'OK', code: copyUid(moved), text: 'Moved.' });
      return { status: 'OK', text: 'MOVE completed.' };
    },
  });
}
