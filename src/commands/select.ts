import { flagTable } from '../imap/flag-table.ts';
import { mailboxName } from '../imap/mailbox-name.ts';
import type { SelectedMailbox } from '../session/contract.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';
import { type AnyCommand, command, LOGGED_IN } from './command.ts';

export const select = opening('SELECT', false);

/**
 * SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3), with parameters (RFC 4466 §2.1). What was selected before is left first, also when the
 * new mailbox then cannot be opened.
 */
export function opening(name: string, readOnly: boolean): AnyCommand {
  return command({
    name,
    states: LOGGED_IN,
    updates: 'none',
    parse(scanner) {
      scanner.space();
      const wire = scanner.astring('a mailbox name');
      return { wire, parameters: scanner.accept(' ') ? scanParameters(scanner) : [] };
    },
    async *run({ mail }, { wire, parameters }) {
      for (const parameter of parameters) {
        if (!mail.features.has(parameter)) throw new Malformed('a parameter is not known');
      }
      // RFC 9051 §7.1: what is said before this belongs to the mailbox before.
      if (await mail.unselect()) yield '* OK [CLOSED] The mailbox before is closed.\r\n';
      const mailbox = mailboxName(wire);
      for (const parameter of parameters) mail.enable(parameter);
      const selected = await mail.select(mailbox, readOnly);
      yield describe(selected);
      const code = selected.readOnly ? 'READ-ONLY' : 'READ-WRITE';
      return { status: 'OK', code, text: `${name} completed.` };
    },
  });
}

/** At least one; those that are known have no value of their own. */
function scanParameters(scanner: Scanner): readonly string[] {
  const parameters = scanner.list(() => scanner.atom('a parameter').toUpperCase());
  if (parameters.length === 0) throw new Malformed('a parameter was expected');
  return parameters;
}

function describe(selected: SelectedMailbox): string {
  const { exists, recentCount, firstUnseen, uidValidity, uidNext, highestModSeq } = selected;
  return [
    flagTable(selected.keywords, selected.moreKeywords, selected.readOnly),
    `* ${exists} EXISTS\r\n`,
    `* ${recentCount} RECENT\r\n`,
    firstUnseen === undefined ? '' : `* OK [UNSEEN ${firstUnseen}] The first unseen message.\r\n`,
    `* OK [UIDVALIDITY ${uidValidity}] UIDs are valid.\r\n`,
    `* OK [UIDNEXT ${uidNext}] The next UID.\r\n`,
    `* OK [HIGHESTMODSEQ ${highestModSeq}] Mod-sequences are kept.\r\n`,
  ].join('');
}
