import { LAST_UID, type MailboxId, type ModSeq, type Uid } from '../../mail/ids.ts';
import type { Cursor } from '../../mail/message.ts';
import type { ChangePage } from '../../mail/rows.ts';
import { type Database, integer, type SqlRow } from './database.ts';
import { hasEmptyPlace } from './keyword-places.ts';
import { type MailboxRecord, type MailboxRecords, modSeq, uid } from './mailbox-record.ts';
import { blockOf, messageId, uidOfMessage } from './schema.ts';
import { numbersIn } from './uid-lists.ts';

/** Rows and tombstones after the cursor, up to its fence, by (modseq, uid). */
export function changes(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  since: Cursor,
  limit: number,
): ChangePage {
  return db.read(() => {
    const record = mailboxes.find(mailbox);
    if (!record) return deletedPage(mailbox, since);
    const fence = since.fence ?? modSeq(record.modseq);
    const quiet = fence <= since.modseq && since.uid === LAST_UID;
    const rows = quiet ? [] : changedRows(db, record, since, fence, limit);
    const tombstones = quiet ? [] : tombstoneRows(db, record, since, fence, limit);
    const { changed, expunged, last } = merge(rows, tombstones, limit);
    const done = rows.length + tombstones.length <= limit;
    return {
      next: done ? { modseq: fence, uid: LAST_UID } : { ...(last ?? since), fence },
      done,
      status: mailboxes.status(record),
      keywords: record.keywords,
      moreKeywords: hasEmptyPlace(record),
      changed,
      expunged,
      // A position of which the log cannot tell all that has happened since, or that it has not come to (an older copy came back).
      ...((since.modseq < record.trimmed || since.modseq > record.modseq) && { gone: 'reset' }),
    };
  });
}

/** The UIDs that were there at a position: what lives of them, and what was expunged since. */
export function uidsAt(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  at: ModSeq,
  uidNext: Uid,
): Uint32Array {
  return db.read(() => {
    const record = mailboxes.load(mailbox);
    const row = db.get(
      `SELECT json_group_array(uid) FROM (
         SELECT id & ${LAST_UID} AS uid FROM message WHERE id >= ?1 AND id < ?2
         UNION ALL SELECT uid FROM expunged WHERE mailbox = ?3 AND modseq > ?4 AND uid < ?5
       )`,
      messageId(mailbox, 1),
      messageId(mailbox, uidNext),
      mailbox,
      at,
      uidNext,
    );
    const uids = numbersIn(typeof row?.[0] === 'string' ? row[0] : '[]');
    return record.modseq > at ? uids.sort() : uids;
  });
}

/** Forgets tombstones up to a position. */
export function trim(db: Database, mailboxes: MailboxRecords, mailbox: MailboxId, upTo: ModSeq): void {
  db.write(() => {
    const record = mailboxes.find(mailbox);
    if (!record) return;
    const trimmed = Math.min(upTo, record.modseq);
    if (trimmed <= record.trimmed) return;
    const forgotten = db.run('DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?', mailbox, trimmed);
    // Where nothing was forgotten, nobody needs to be told of a reset.
    if (forgotten === 0) return;
    record.trimmed = trimmed;
    mailboxes.save(record);
  });
}

/** [id, flags, modseq] */
function changedRows(
  db: Database,
  { id, modseq }: MailboxRecord,
  since: Cursor,
  fence: ModSeq,
  limit: number,
): readonly SqlRow[] {
  if (since.modseq > modseq) return [];
  return db.all(
    `SELECT message.id, message.flags, message.modseq
     FROM block CROSS JOIN message ON message.id BETWEEN block.id << 8 AND (block.id << 8) | 255
     WHERE block.id BETWEEN ?1 AND ?2 AND block.modseq >= ?7
       AND (message.modseq, message.id) > (?3, ?4) AND message.modseq <= ?5
     ORDER BY message.modseq, message.id LIMIT ?6`,
    blockOf(id, 0),
    blockOf(id, LAST_UID),
    since.modseq,
    messageId(id, since.uid),
    fence,
    limit + 1,
    // Blocks of the cursor's own modseq only while some of that may be left.
    since.uid < LAST_UID ? since.modseq : since.modseq + 1,
  );
}

/** [uid, modseq] */
function tombstoneRows(
  db: Database,
  { id }: MailboxRecord,
  since: Cursor,
  fence: ModSeq,
  limit: number,
): readonly SqlRow[] {
  return db.all(
    `SELECT uid, modseq FROM expunged
     WHERE mailbox = ?1 AND modseq >= ?2 AND (modseq, uid) > (?2, ?3) AND modseq <= ?4 ORDER BY modseq, uid LIMIT ?5`,
    id,
    since.modseq,
    since.uid,
    fence,
    limit + 1,
  );
}

function merge(rows: readonly SqlRow[], tombstones: readonly SqlRow[], limit: number) {
  let live = 0;
  let dead = 0;
  let last: { readonly modseq: ModSeq; readonly uid: Uid } | undefined;
  while (live + dead < limit && (live < rows.length || dead < tombstones.length)) {
    const row = rows[live];
    const tombstone = tombstones[dead];
    const one = row && { modseq: integer(row[2]), uid: uidOfMessage(integer(row[0])) };
    const other = tombstone && { modseq: integer(tombstone[1]), uid: integer(tombstone[0]) };
    const first = one && (!other || one.modseq < other.modseq || (one.modseq === other.modseq && one.uid < other.uid));
    const taken = first ? one : other;
    if (first) live += 1;
    else dead += 1;
    if (taken) last = { modseq: modSeq(taken.modseq), uid: uid(taken.uid) };
  }
  const kept = rows.slice(0, live);
  const gone = tombstones.slice(0, dead);
  return {
    last,
    changed: {
      uids: Uint32Array.from(kept, row => uidOfMessage(integer(row[0]))),
      flags: Float64Array.from(kept, row => integer(row[1])),
      modseqs: Float64Array.from(kept, row => integer(row[2])),
    },
    expunged: {
      uids: Uint32Array.from(gone, row => integer(row[0])),
      modseqs: Float64Array.from(gone, row => integer(row[1])),
    },
  };
}

function deletedPage(id: MailboxId, since: Cursor): ChangePage {
  return {
    next: { modseq: since.modseq, uid: since.uid },
    done: true,
    status: {
      id,
      at: since.modseq,
      uidValidity: 0,
      uidNext: uid(1),
      exists: 0,
      unseen: 0,
      deleted: 0,
      size: 0,
      recentFrom: uid(1),
      recent: 0,
    },
    keywords: [],
    moreKeywords: false,
    changed: { uids: new Uint32Array(0), flags: new Float64Array(0), modseqs: new Float64Array(0) },
    expunged: { uids: new Uint32Array(0), modseqs: new Float64Array(0) },
    gone: 'deleted',
  };
}
