import { DELETED } from '../../mail/flags.ts';
import { LAST_UID, type MailboxId } from '../../mail/ids.ts';
import { rangesOf, type UidRanges } from '../../mail/uid-ranges.ts';
import { type Database, integer, optionalInteger } from './database.ts';
import type { Expunged } from './index-port.ts';
import { DELETED_SQL, makeRoom, UNSEEN_SQL } from './keyword-places.ts';
import { type MailboxRecord, type MailboxRecords, modSeq } from './mailbox-record.ts';
import { messageId } from './schema.ts';
import { clipRanges, EVERYTHING, uidsOf } from './uid-lists.ts';

/** Beyond so many ranges it is cheaper to look through a range of everything than to go to each. */
const RANGES_WORTHWHILE = 500;

/** Removes what has \Deleted. @throws MailError `gone` */
export function expunge(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  uids: UidRanges | undefined,
  now: number,
): Expunged {
  return db.write(() => {
    const record = mailboxes.load(mailbox);
    if (record.deleted === 0) return { at: modSeq(record.modseq), count: 0 };
    const at = mailboxes.nextModSeq(record);
    const where = `AND ${DELETED_SQL}`;
    let count = 0;
    for (const range of narrowed(db, record, uids))
      count += remove(db, record, range, where, { at, now, release: true });
    if (count > 0) {
      record.modseq = at;
      makeRoom(db, record);
      mailboxes.save(record);
    }
    return { at: modSeq(record.modseq), count };
  });
}

/** Few \Deleted among many are looked for once, and then gone to. */
function* narrowed(
  db: Database,
  record: MailboxRecord,
  uids: UidRanges | undefined,
): Iterable<readonly [number, number]> {
  const given = clipRanges(uids ?? EVERYTHING, record.uidNext);
  for (const [first, last] of given) {
    if (last - first < RANGES_WORTHWHILE) {
      yield [first, last];
      continue;
    }
    const found = uidsOf(
      db,
      `id BETWEEN ?1 AND ?2 AND flags & ${DELETED} <> 0`,
      messageId(record.id, first),
      messageId(record.id, last),
    );
    const ranges = rangesOf(found);
    yield* ranges.length > RANGES_WORTHWHILE ? [[first, last] as const] : ranges;
  }
}

export interface Removal {
  /** Modseq of the tombstones. */
  readonly at: number;
  readonly now: number;
  /** Whether the references to contents go; otherwise they have been handed on. */
  readonly release: boolean;
}

/**
 * Takes messages of a range away and leaves tombstones; the caller saves the record, with `at` if any were removed.
 * @param where further condition over `flags`, from AND on @returns how many
 */
export function remove(
  db: Database,
  record: MailboxRecord,
  [first, last]: readonly [number, number],
  where: string,
  { at, now, release }: Removal,
): number {
  const bounds = [messageId(record.id, first), messageId(record.id, last)] as const;
  const of = `FROM message WHERE id BETWEEN ?1 AND ?2 ${where}`;
  const row = db.get(`SELECT count(*), sum(size), sum(${UNSEEN_SQL}), sum(${DELETED_SQL}) ${of}`, ...bounds);
  const count = integer(row?.[0]);
  if (count === 0) return 0;
  record.messages -= count;
  record.octets -= optionalInteger(row?.[1]) ?? 0;
  record.unseen -= optionalInteger(row?.[2]) ?? 0;
  record.deleted -= optionalInteger(row?.[3]) ?? 0;
  db.run(`INSERT INTO expunged (mailbox, modseq, uid) SELECT ?3, ?4, id & ${LAST_UID} ${of}`, ...bounds, record.id, at);
  if (release) releaseContents(db, of, bounds, now);
  db.run(`DELETE ${of}`, ...bounds);
  return count;
}

/** The references of messages about to go. @param of the messages, over ?1 and ?2, from FROM on */
export function releaseContents(db: Database, of: string, bounds: readonly [number, number], now: number): void {
  db.run(
    `UPDATE content SET refs = refs - gone.n, idle_since = CASE WHEN refs = gone.n THEN ?3 END
     FROM (SELECT content AS id, count(*) AS n ${of} GROUP BY content) AS gone WHERE gone.id = content.id`,
    ...bounds,
    now,
  );
}
