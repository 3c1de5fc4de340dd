import type { MailboxInfo, SpecialUse } from '../../mail/mailbox.ts';
import { type Database, integer, text } from './database.ts';
import { levelsAbove } from './mailbox-names.ts';
import { mailboxId } from './mailbox-record.ts';

const SPECIAL_USES: readonly SpecialUse[] = [
  '\\Archive',
  '\\Drafts',
  '\\Junk',
  '\\Sent',
  '\\Trash',
  '\\Flagged',
  '\\All',
];

/** All mailboxes, the levels above them that are none, and subscribed names, by name. */
export function listMailboxes(db: Database): readonly MailboxInfo[] {
  return db.read(() => {
    const subscribed = new Set(db.all('SELECT name FROM subscription').map(([name]) => text(name)));
    const infos = new Map<string, MailboxInfo>();
    for (const [id, name, use] of db.all('SELECT id, name, special_use FROM mailbox')) {
      const key = text(name);
      const specialUse = SPECIAL_USES.find(one => one === use);
      infos.set(key, { name: key, id: mailboxId(integer(id)), subscribed: subscribed.has(key), specialUse });
    }
    for (const name of [...infos.keys()].flatMap(one => [...levelsAbove(one)]).concat(...subscribed)) {
      if (!infos.has(name))
        infos.set(name, { name, id: undefined, subscribed: subscribed.has(name), specialUse: undefined });
    }
    return [...infos.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}
