import { mailboxName } from '../imap/mailbox-name.ts';
import { type SequenceSet, scanSequenceSet } from '../imap/sequence-set.ts';
import type { Copied } from '../mail/message.ts';
import { renderRanges } from '../mail/uid-ranges.ts';
import type { Completion } from '../session/contract.ts';
import type { Scanner } from '../wire/scanner.ts';
import { type AnyCommand, command, SELECTED } from './command.ts';

export interface Target {
  readonly set: SequenceSet;
  /** As the client wrote it. */
  readonly to: string;
}

/** COPY, and UID COPY (RFC 9051 §6.4.7, §6.4.9). */
export function copy(byUid: boolean): AnyCommand {
  return command<Target>({
    name: 'COPY',
    states: SELECTED,
    parse: scanTarget,
    async run({ mail: { selected } }, { set, to }) {
      const uids = await selected.resolve(set, byUid);
      const target = mailboxName(to);
      if (uids.length === 0) return { status: 'OK', text: 'There was nothing to copy.' };
      const copied = await selected.mailbox.copy(uids, target, false);
      if (copied.from.length === 0) return nothingLeft('copy', byUid);
      return { status: 'OK', code: copyUid(copied), text: 'COPY completed.' };
    },
  });
}

/** A set and a mailbox. @throws Malformed */
export function scanTarget(scanner: Scanner): Target {
  scanner.space();
  const set = scanSequenceSet(scanner);
  scanner.space();
  return { set, to: scanner.astring('a mailbox') };
}

/** RFC 4315 §3: which UIDs the copies have, in the order of the originals. */
export function copyUid({ uidValidity, from, to }: Copied): string {
  return `COPYUID ${uidValidity} ${renderRanges(from)} ${renderRanges(to)}`;
}

/** All that was named is gone: by number the client has not been told so, by UID it is no matter (RFC 9051 §6.4.9). */
export function nothingLeft(verb: 'copy' | 'move', byUid: boolean): Completion {
  if (byUid) return { status: 'OK', text: `There was nothing to ${verb}.` };
  return { status: 'NO', code: 'EXPUNGEISSUED', text: 'The messages are gone.' };
}
