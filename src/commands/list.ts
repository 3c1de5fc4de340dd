import { type HierarchyEntry, hierarchyOf } from '../imap/hierarchy.ts';
import { ListPattern, scanListPattern } from '../imap/list-pattern.ts';
import { renderMailboxList } from '../imap/mailbox-list.ts';
import { MailError } from '../mail/mail-error.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';
import { command, LOGGED_IN } from './command.ts';
import { scanReturnOptions, scanSelectionOptions } from './list-options.ts';
import { linesOf } from './mailbox-lines.ts';

/** Patterns in one command; each is compared with every name. */
const PATTERNS_MOST = 20;

/**
 * LIST (RFC 3501 §6.3.8), with options and several patterns (RFC 5258 §3) as far as `list-options.ts` goes. The attributes of RFC
 * 3348 and RFC 6154 are always told.
 */
export const list = command({
  name: 'LIST',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    const options = scanner.peek() === '(' ? scanSelectionOptions(scanner) : undefined;
    if (options) scanner.space();
    const reference = scanner.astring('a reference name');
    scanner.space();
    const several = scanner.peek() === '(';
    const patterns = several ? scanPatterns(scanner) : [scanListPattern(scanner)];
    const returns = !scanner.atEnd;
    if (returns) {
      scanner.space();
      scanReturnOptions(scanner);
    }
    return { options: options ?? [], reference, patterns, extended: options !== undefined || several || returns };
  },
  async *run(session, { options, reference, patterns, extended }) {
    if (!extended && patterns[0] === '') {
      // Asks for the separator and the root, which is the same for all names.
      yield renderMailboxList('LIST', ['\\Noselect'], '');
      return { status: 'OK', text: 'LIST completed.' };
    }
    const wanted = patterns.map(pattern => new ListPattern(reference, pattern));
    const entries = hierarchyOf(await session.mail.store.list());
    yield* linesOf(entries, entry => {
      const told =
        entry.exists &&
        options.every(option => option.keeps(entry)) &&
        wanted.some(pattern => pattern.matches(entry.info.name));
      return told ? renderMailboxList('LIST', attributesOf(entry, extended), entry.info.name) : '';
    });
    return { status: 'OK', text: 'LIST completed.' };
  },
});

/** @throws Malformed; MailError `limit` */
function scanPatterns(scanner: Scanner): string[] {
  const patterns = scanner.list(() => scanListPattern(scanner));
  if (patterns.length === 0) throw new Malformed('a pattern was expected');
  if (patterns.length > PATTERNS_MOST) {
    throw new MailError('limit', `${patterns.length} patterns`, { answer: 'Too many patterns in one command.' });
  }
  return patterns;
}

function attributesOf({ info, hasChildren }: HierarchyEntry, extended: boolean): string[] {
  const level = info.id === undefined;
  return [
    ...(level ? ['\\Noselect'] : []),
    // RFC 5258 §3: for clients that show, by what they ask, that they know it.
    ...(level && extended ? ['\\NonExistent'] : []),
    hasChildren ? '\\HasChildren' : '\\HasNoChildren',
    ...(info.specialUse ? [info.specialUse] : []),
  ];
}
