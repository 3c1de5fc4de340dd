import type { ModSeq } from '../../mail/ids.ts';
import { type Database, integer, text } from './database.ts';
import type { MailboxChanges } from './index-port.ts';
import { modSeq } from './mailbox-record.ts';

/** Events kept; who is further behind looks at the mailboxes anew. */
const EVENTS_KEPT = 1_000;

type Event = MailboxChanges['changes'][number];
type EventKind = Event['kind'];
const KINDS: readonly EventKind[] = ['created', 'deleted', 'renamed', 'subscribed', 'unsubscribed'];

/** Position of the account's own log. */
export function accountModSeq(db: Database): ModSeq {
  return modSeq(integer(db.get('SELECT modseq FROM account')?.[0]));
}

/** Within a transaction. @param now milliseconds since 1970 */
export function recordEvent(db: Database, now: number, kind: EventKind, name: string, to?: string): void {
  db.run('UPDATE account SET modseq = max(modseq + 1, ?)', Math.floor(now * 1000));
  db.run(
    'INSERT INTO event (modseq, kind, name, new_name) SELECT modseq, ?, ?, ? FROM account',
    kind,
    name,
    to ?? null,
  );
  const oldest = db.get('SELECT modseq FROM event ORDER BY modseq DESC LIMIT 1 OFFSET ?', EVENTS_KEPT);
  if (!oldest) return;
  db.run('DELETE FROM event WHERE modseq <= ?', integer(oldest[0]));
  db.run('UPDATE account SET trimmed = max(trimmed, ?)', integer(oldest[0]));
}

/** What happened after a position, oldest first. */
export function mailboxChanges(db: Database, since: ModSeq, limit: number): MailboxChanges {
  return db.read(() => {
    const account = db.get('SELECT modseq, trimmed FROM account');
    const [newest, trimmed] = [integer(account?.[0]), integer(account?.[1])];
    const rows = db.all(
      'SELECT modseq, kind, name, new_name FROM event WHERE modseq > ? ORDER BY modseq LIMIT ?',
      since,
      limit + 1,
    );
    const done = rows.length <= limit;
    const changes = rows.slice(0, limit).map(
      ([modseq, kind, name, to]): Event => ({
        at: modSeq(integer(modseq)),
        kind: eventKind(text(kind)),
        name: text(name),
        ...(typeof to === 'string' && { to }),
      }),
    );
    return {
      at: done ? modSeq(newest) : (changes.at(-1)?.at ?? since),
      done,
      changes,
      ...((since < trimmed || since > newest) && { reset: true }),
    };
  });
}

function eventKind(value: string): EventKind {
  const kind = KINDS.find(one => one === value);
  if (!kind) throw new TypeError(`an event is of the unknown kind ${value}`);
  return kind;
}
