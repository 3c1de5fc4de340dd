import { type FlagMask, keywordBit, SYSTEM_FLAGS } from '../../mail/flags.ts';
import type { MailboxId, ModSeq } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Copied } from '../../mail/message.ts';
import { rangesOf, type UidRange, type UidRanges } from '../../mail/uid-ranges.ts';
import { takeUids } from './appending.ts';
import { makeBlocks } from './blocks.ts';
import { type Database, integer, optionalInteger } from './database.ts';
import { remove } from './expunging.ts';
import { DELETED_SQL, hasBit, makeRoom, maskOf, UNSEEN_SQL } from './keyword-places.ts';
import { type MailboxRecord, type MailboxRecords, modSeq, uid } from './mailbox-record.ts';
import { messageId } from './schema.ts';
import { clipRanges, uidsOf } from './uid-lists.ts';

const SYSTEM_MASK = 2 ** SYSTEM_FLAGS.length - 1;

export type CopyResult = Copied & { readonly target: MailboxId; readonly movedAt: ModSeq | undefined };

/**
 * Copies or moves messages, also within one mailbox. A move hands the references to contents on, so that none is at zero between.
 * @throws MailError `gone`, `no-target`, `limit` (UIDs or places for keywords)
 */
export function copy(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  uids: UidRanges,
  to: string,
  move: boolean,
  now: number,
): CopyResult {
  return db.write(() => {
    const source = mailboxes.load(mailbox);
    const found = mailboxes.named(to);
    if (!found) throw new MailError('no-target', `there is no mailbox ${JSON.stringify(to)}`);
    // One record when they are one mailbox, so that no change is lost.
    const target = found.id === mailbox ? source : found;
    return transfer(db, mailboxes, source, target, uids, move, now);
  });
}

/** Within a transaction; saves both records. */
export function transfer(
  db: Database,
  mailboxes: MailboxRecords,
  source: MailboxRecord,
  target: MailboxRecord,
  uids: UidRanges,
  move: boolean,
  now: number,
): CopyResult {
  const from: UidRange[] = [];
  const ranges = [...clipRanges(uids, source.uidNext)];
  const flags = source === target ? 'flags' : flagsSql(db, source, target, ranges);
  const start = target.uidNext;
  const at = mailboxes.nextModSeq(target);
  for (const [first, last] of ranges) {
    const bounds = [messageId(source.id, first), messageId(source.id, last)] as const;
    const copied = uidsOf(db, 'id BETWEEN ?1 AND ?2', ...bounds);
    if (copied.length === 0) continue;
    from.push(...rangesOf(copied));
    const next = takeUids(target, copied.length);
    count(db, target, bounds);
    db.run(
      `INSERT INTO message (id, flags, modseq, content, size, time, zone, saved)
       SELECT ?3 + row_number() OVER (ORDER BY id), ${flags}, ?4, content, size, time, zone, ?5
       FROM message WHERE id BETWEEN ?1 AND ?2`,
      ...bounds,
      messageId(target.id, next) - 1,
      at,
      now,
    );
    if (!move) addReferences(db, bounds);
  }
  const taken = target.uidNext - start;
  if (taken > 0) {
    target.modseq = at;
    makeBlocks(db, target.id, start, target.uidNext - 1, at);
    mailboxes.save(target);
    if (move) {
      const gone = mailboxes.nextModSeq(source);
      for (const range of ranges) remove(db, source, range, '', { at: gone, now, release: false });
      source.modseq = gone;
      makeRoom(db, source);
      mailboxes.save(source);
    }
  }
  return {
    uidValidity: target.uidValidity,
    from: rangesOfRanges(from),
    to: taken > 0 ? [[uid(start), uid(target.uidNext - 1)]] : [],
    at: modSeq(move && source === target ? at : target.modseq),
    target: target.id,
    movedAt: move ? modSeq(source.modseq) : undefined,
  };
}

/** Touching ranges as one. They are ascending already. */
function rangesOfRanges(ranges: readonly UidRange[]): UidRanges {
  const joined: UidRange[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before && before[1] + 1 === range[0]) joined[joined.length - 1] = [before[0], range[1]];
    else joined.push(range);
  }
  return joined;
}

function count(db: Database, target: MailboxRecord, bounds: readonly [number, number]): void {
  const row = db.get(
    `SELECT count(*), sum(size), sum(${UNSEEN_SQL}), sum(${DELETED_SQL}) FROM message WHERE id BETWEEN ?1 AND ?2`,
    ...bounds,
  );
  target.messages += integer(row?.[0]);
  target.octets += optionalInteger(row?.[1]) ?? 0;
  target.unseen += optionalInteger(row?.[2]) ?? 0;
  target.deleted += optionalInteger(row?.[3]) ?? 0;
}

function addReferences(db: Database, bounds: readonly [number, number]): void {
  db.run(
    `UPDATE content SET refs = refs + more.n
     FROM (SELECT content AS id, count(*) AS n FROM message WHERE id BETWEEN ?1 AND ?2 GROUP BY content) AS more
     WHERE more.id = content.id`,
    ...bounds,
  );
}

/** Flags of the source's rows as SQL in the target's table of keywords. */
function flagsSql(
  db: Database,
  source: MailboxRecord,
  target: MailboxRecord,
  ranges: readonly (readonly [number, number])[],
): string {
  const used = new Set<number>();
  if (source.keywords.length > 0) {
    for (const [first, last] of ranges) {
      const rows = db.all(
        'SELECT DISTINCT flags FROM message WHERE id BETWEEN ? AND ? AND flags > ?',
        messageId(source.id, first),
        messageId(source.id, last),
        SYSTEM_MASK,
      );
      for (const [flags] of rows) {
        const mask = integer(flags);
        for (const place of source.keywords.keys()) if (hasBit(mask, keywordBit(place))) used.add(place);
      }
    }
  }
  const names = [...used].sort((a, b) => a - b).map(place => source.keywords[place] ?? '');
  // All at once, so that none takes the place another needs.
  maskOf(db, target, names);
  const moves = names.map(name => [bitIn(source, name), bitIn(target, name)] as const);
  if (moves.every(([before, after]) => before === after))
    return `flags & ${moves.reduce((sum, [bit]) => sum + bit, SYSTEM_MASK)}`;
  return moves.reduce(
    (sql, [before, after]) => `${sql} | (CASE WHEN flags & ${before} THEN ${after} ELSE 0 END)`,
    `(flags & ${SYSTEM_MASK})`,
  );
}

function bitIn({ keywords }: MailboxRecord, name: string): FlagMask {
  const lower = name.toLowerCase();
  return keywordBit(keywords.findIndex(keyword => keyword.toLowerCase() === lower));
}
