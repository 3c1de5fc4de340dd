import { ListPattern, scanListPattern } from '../imap/list-pattern.ts';
import { renderMailboxList } from '../imap/mailbox-list.ts';
import { levelsAbove } from '../imap/mailbox-name.ts';
import { command, LOGGED_IN } from './command.ts';
import { linesOf } from './mailbox-lines.ts';

/**
 * LSUB (RFC 3501 §6.3.9). A name that is subscribed is told whether or not there is such a mailbox; a level above one that `%` does
 * not reach is told with \Noselect, which says here that it is not itself subscribed.
 */
export const lsub = command({
  name: 'LSUB',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    const reference = scanner.astring('a reference name');
    scanner.space();
    return { reference, pattern: scanListPattern(scanner) };
  },
  async *run(session, { reference, pattern }) {
    const wanted = new ListPattern(reference, pattern);
    const names = (await session.mail.store.list()).filter(({ subscribed }) => subscribed).map(({ name }) => name);
    const told = new Set(names);
    yield* linesOf(names, name => {
      if (wanted.matches(name)) return renderMailboxList('LSUB', [], name);
      if (!wanted.withinLevel) return '';
      const levels = levelsAbove(name).filter(level => !told.has(level) && wanted.matches(level));
      for (const level of levels) told.add(level);
      return levels.map(level => renderMailboxList('LSUB', ['\\Noselect'], level)).join('');
    });
    return { status: 'OK', text: 'LSUB completed.' };
  },
});
