import { LAST_UID } from '../../mail/ids.ts';
import { type Database, text } from './database.ts';
import { UNSOUND } from './index-port.ts';

/** What must hold beyond what SQLite knows of: each finds rows only when it does not. */
const INVARIANTS: readonly (readonly [what: string, sql: string])[] = [
  [
    'counters of a mailbox are not those of its messages',
    `SELECT mailbox.name FROM mailbox LEFT JOIN (
       SELECT id >> 32 AS mailbox, count(*) AS messages, sum(flags & 8 = 0) AS unseen, sum(flags & 4 <> 0) AS deleted,
         sum(size) AS octets
       FROM message GROUP BY id >> 32
     ) AS counted ON counted.mailbox = mailbox.id
     WHERE (mailbox.messages, mailbox.unseen, mailbox.deleted, mailbox.octets) IS NOT
       (coalesce(counted.messages, 0), coalesce(counted.unseen, 0), coalesce(counted.deleted, 0), coalesce(counted.octets, 0))`,
  ],
  [
    'a content has another number of references than counted',
    `SELECT content.id FROM content LEFT JOIN (SELECT content AS id, count(*) AS n FROM message GROUP BY content) AS counted
       USING (id) WHERE content.refs <> coalesce(counted.n, 0)`,
  ],
  [
    'a message has no content',
    `SELECT message.id FROM message LEFT JOIN content ON content.id = message.content
       LEFT JOIN description ON description.content = message.content LEFT JOIN source ON source.content = message.content
     WHERE content.id IS NULL OR description.content IS NULL OR source.content IS NULL`,
  ],
  [
    'a message has another size than its content',
    'SELECT message.id FROM message JOIN content ON content.id = message.content WHERE message.size <> content.size',
  ],
  ['a message is in no mailbox', 'SELECT id FROM message WHERE id >> 32 NOT IN (SELECT id FROM mailbox)'],
  [
    'a message has a UID or modseq that was not given out',
    `SELECT message.id FROM message JOIN mailbox ON mailbox.id = message.id >> 32
     WHERE message.id & ${LAST_UID} NOT BETWEEN 1 AND mailbox.uid_next - 1 OR message.modseq > mailbox.modseq`,
  ],
  [
    'a block is older than its messages',
    `SELECT message.id FROM message LEFT JOIN block ON block.id = message.id >> 8
     WHERE block.id IS NULL OR block.modseq < message.modseq`,
  ],
  [
    'a tombstone is of no mailbox, of a message that lives, or has numbers that were not given out',
    `SELECT expunged.mailbox, expunged.uid FROM expunged LEFT JOIN mailbox ON mailbox.id = expunged.mailbox
     WHERE mailbox.id IS NULL OR expunged.uid NOT BETWEEN 1 AND mailbox.uid_next - 1 OR expunged.modseq > mailbox.modseq
       OR EXISTS (SELECT 1 FROM message WHERE message.id = expunged.mailbox << 32 | expunged.uid)`,
  ],
  [
    'a mailbox has a UIDVALIDITY that was not given out',
    'SELECT name FROM mailbox WHERE uid_validity > (SELECT uid_validity FROM account)',
  ],
  ['the account has not one row of its own', 'SELECT count(*) FROM account HAVING count(*) <> 1'],
];

/** Findings told of one invariant. */
const FINDINGS_MOST = 5;

/** @returns what is wrong, for the administrator; empty: nothing */
export function verify(db: Database): readonly string[] {
  return db.read(() => {
    const found = db
      .all('PRAGMA integrity_check')
      .map(([line]) => text(line))
      .filter(line => line !== 'ok')
      .map(line => UNSOUND + line);
    const broken = db.all('PRAGMA foreign_key_check').map(row => `${UNSOUND}a row of ${row[0]} refers to none`);
    const invariants = INVARIANTS.flatMap(([what, sql]) =>
      db.all(`${sql} LIMIT ${FINDINGS_MOST}`).map(row => `${what}: ${Object.values(row).join(', ')}`),
    );
    return [...found, ...broken, ...invariants];
  });
}
