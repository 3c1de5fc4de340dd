import { DELETED, SEEN } from '../../mail/flags.ts';
import type { MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import { LAST_UID } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { makeBlocks } from './blocks.ts';
import { type Database, integer } from './database.ts';
import type { NewRow } from './index-port.ts';
import { hasBit, maskOf } from './keyword-places.ts';
import { type MailboxRecord, type MailboxRecords, modSeq, uid } from './mailbox-record.ts';
import { messageId } from './schema.ts';

/** Adds messages in order, under one modseq. @throws MailError `no-target`, `limit` */
export function append(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  rows: readonly NewRow[],
): { readonly uidValidity: number; readonly first: Uid; readonly at: ModSeq } {
  return db.write(() => {
    const record = mailboxes.load(mailbox, 'no-target');
    const first = takeUids(record, rows.length);
    if (rows.length > 0) {
      record.modseq = mailboxes.nextModSeq(record);
      for (const [place, row] of rows.entries()) insert(db, record, first + place, row);
      makeBlocks(db, mailbox, first, first + rows.length - 1, record.modseq);
      mailboxes.save(record);
    }
    return { uidValidity: record.uidValidity, first: uid(first), at: modSeq(record.modseq) };
  });
}

/** @returns the first of so many UIDs given out now @throws MailError `limit` when the mailbox has used up its UIDs */
export function takeUids(record: MailboxRecord, count: number): number {
  const first = record.uidNext;
  if (first + count - 1 > LAST_UID) throw new MailError('limit', `mailbox ${record.id} has no UIDs left`);
  record.uidNext += count;
  return first;
}

function insert(db: Database, record: MailboxRecord, newUid: number, row: NewRow): void {
  const flags = maskOf(db, record, row.flags);
  const content = integer(
    db.get(
      `INSERT INTO content (refs, idle_since, blob, sha256, size, sent_day, email_id, thread_id)
       VALUES (1, NULL, ?, ?, ?, ?, ?, NULL) RETURNING id`,
      Buffer.from(row.blob, 'hex'),
      row.sha256,
      row.size,
      row.sentDay ?? null,
      row.emailId,
    )?.[0],
  );
  db.run(
    'INSERT INTO description (content, envelope, body, structure) VALUES (?, ?, ?, ?)',
    content,
    row.envelope,
    row.body,
    row.structure,
  );
  db.run('INSERT INTO source (content, layout, header) VALUES (?, ?, ?)', content, row.layout, row.header ?? null);
  db.run(
    'INSERT INTO message (id, flags, modseq, content, size, time, zone, saved) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    messageId(record.id, newUid),
    flags,
    record.modseq,
    content,
    row.size,
    row.time,
    row.zone,
    row.saveTime,
  );
  record.messages += 1;
  record.octets += row.size;
  if (!hasBit(flags, SEEN)) record.unseen += 1;
  if (hasBit(flags, DELETED)) record.deleted += 1;
}
