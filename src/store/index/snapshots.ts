import { SEEN } from '../../mail/flags.ts';
import { LAST_UID, type MailboxId, type Seq, type Uid } from '../../mail/ids.ts';
import type { Snapshot } from '../../mail/mailbox.ts';
import { type Database, integer } from './database.ts';
import { hasEmptyPlace } from './keyword-places.ts';
import { type MailboxRecord, type MailboxRecords, uid } from './mailbox-record.ts';
import { messageId } from './schema.ts';

/** Messages looked at from either end for the first unseen one; beyond it, it is not told. */
const UNSEEN_LOOKED_AT = 1_000;

/** @param claimRecent moves `recentFrom` past all there is, after telling where it was. In memory; written with the next write */
export function snapshot(db: Database, mailboxes: MailboxRecords, mailbox: MailboxId, claimRecent: boolean): Snapshot {
  return db.read(() => {
    const record = mailboxes.load(mailbox);
    const status = mailboxes.status(record);
    if (claimRecent) mailboxes.claimRecent(record, record.uidNext);
    return {
      ...status,
      keywords: record.keywords,
      moreKeywords: hasEmptyPlace(record),
      firstUnseen: firstUnseen(db, record),
    };
  });
}

/** @returns where it was */
export function claimRecent(mailboxes: MailboxRecords, mailbox: MailboxId, upTo: Uid): Uid {
  return uid(mailboxes.claimRecent(mailboxes.load(mailbox), upTo));
}

/** Most often all are unseen, or those are that came last: looked for from both ends, so that it costs the same for any size. */
function firstUnseen(db: Database, { id, messages, unseen }: MailboxRecord): Seq | undefined {
  if (unseen === 0) return undefined;
  if (unseen === messages) return seq(1);
  const bounds = [messageId(id, 1), messageId(id, LAST_UID)] as const;
  const rows = (order: string) =>
    db.all(
      `SELECT flags & ${SEEN} FROM message WHERE id BETWEEN ? AND ? ORDER BY id ${order} LIMIT ${UNSEEN_LOOKED_AT}`,
      ...bounds,
    );
  const fromStart = rows('ASC').findIndex(([seen]) => integer(seen) === 0);
  if (fromStart >= 0) return seq(fromStart + 1);
  if (unseen > UNSEEN_LOOKED_AT) return undefined;
  let left = unseen;
  const fromEnd = rows('DESC').findIndex(([seen]) => {
    if (integer(seen) === 0) left -= 1;
    return left === 0;
  });
  return fromEnd < 0 ? undefined : seq(messages - fromEnd);
}

function seq(value: number): Seq {
  return value as Seq;
}
