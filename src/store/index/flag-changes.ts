import { DELETED, type FlagMask, SEEN } from '../../mail/flags.ts';
import type { MailboxId, ModSeq } from '../../mail/ids.ts';
import type { FlagChange, FlagsSet } from '../../mail/message.ts';
import { normaliseRanges, rangesOf, type UidRange, type UidRanges } from '../../mail/uid-ranges.ts';
import { touchBlocks } from './blocks.ts';
import { type Database, integer, optionalInteger } from './database.ts';
import { ALL_FLAGS, hasBit, knownMaskOf, makeRoom, maskOf } from './keyword-places.ts';
import { type MailboxRecord, type MailboxRecords, modSeq } from './mailbox-record.ts';
import { messageId } from './schema.ts';
import { clipRanges, missingOf, uidsOf } from './uid-lists.ts';

/** Flags after a change: those of before in `keep`, and `set`. */
interface Masks {
  readonly keep: FlagMask;
  readonly set: FlagMask;
}

/** Where ?1, ?2 bound a range, ?3 is `keep`, ?4 `set`, ?5 the highest modseq a row may have. */
const AFTER = '((flags & ?3) | ?4)';
const CHANGING = `id BETWEEN ?1 AND ?2 AND modseq <= ?5 AND ${AFTER} <> flags`;
const NO_MODSEQ = Number.MAX_SAFE_INTEGER;

/**
 * Changes flags of many messages under one modseq. Only rows whose flags become others get a new modseq.
 * @throws MailError `gone`, `limit` (no place for a keyword)
 */
export function setFlags(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  uids: UidRanges,
  change: FlagChange,
  options: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
): FlagsSet {
  return db.write(() => {
    const record = mailboxes.load(mailbox);
    const masks = masksOf(db, record, change);
    const unchangedSince = options.unchangedSince ?? NO_MODSEQ;
    const before = modSeq(record.modseq);
    const at = mailboxes.nextModSeq(record);
    const modified: number[] = [];
    const missing: UidRange[] = [];
    const interleaved: number[] = [];
    let changed = 0;
    for (const [first, last] of clipRanges(uids, record.uidNext)) {
      const bounds = [messageId(mailbox, first), messageId(mailbox, last)] as const;
      const row = db.get('SELECT count(*), max(modseq) FROM message WHERE id BETWEEN ? AND ?', ...bounds);
      const present = integer(row?.[0]);
      const newest = optionalInteger(row?.[1]) ?? 0;
      if (present < last - first + 1) missing.push(...missingOf(db, mailbox, first, last));
      if (present === 0) continue;
      if (newest > unchangedSince) {
        push(modified, uidsOf(db, 'id BETWEEN ?1 AND ?2 AND modseq > ?3', ...bounds, unchangedSince));
      }
      if (newest > options.viewAt) {
        const where = `${CHANGING} AND modseq > ?6`;
        push(interleaved, uidsOf(db, where, ...bounds, masks.keep, masks.set, unchangedSince, options.viewAt));
      }
      changed += changeRange(db, record, [first, last], masks, unchangedSince, at);
    }
    if (changed > 0) {
      record.modseq = at;
      if (change.kind !== 'add') makeRoom(db, record);
      // Otherwise there is nothing to write, and so no sync: a keyword's place is taken by a message that has it.
      mailboxes.save(record);
    }
    return {
      at: modSeq(record.modseq),
      before,
      changed,
      modified: rangesOf(modified),
      missing: normaliseRanges(missing),
      interleaved: rangesOf(interleaved),
    };
  });
}

function masksOf(db: Database, record: MailboxRecord, { kind, flags }: FlagChange): Masks {
  if (kind === 'remove') return { keep: ALL_FLAGS - knownMaskOf(record, flags), set: 0 };
  const set = maskOf(db, record, flags);
  return { keep: kind === 'add' ? ALL_FLAGS : 0, set };
}

/** @returns how many rows were changed */
function changeRange(
  db: Database,
  record: MailboxRecord,
  [first, last]: readonly [number, number],
  { keep, set }: Masks,
  unchangedSince: number,
  at: number,
): number {
  const values = [messageId(record.id, first), messageId(record.id, last), keep, set, unchangedSince] as const;
  // Counted before, and only where the change can touch them: an aggregate costs as much as the change itself.
  const touches = (bit: number) => hasBit(set, bit) || !hasBit(keep, bit);
  if (touches(SEEN) || touches(DELETED)) {
    const row = db.get(
      `SELECT sum((${AFTER} & ${SEEN} = 0) - (flags & ${SEEN} = 0)), sum((${AFTER} & ${DELETED} <> 0) - (flags & ${DELETED} <> 0))
       FROM message WHERE ${CHANGING}`,
      ...values,
    );
    record.unseen += optionalInteger(row?.[0]) ?? 0;
    record.deleted += optionalInteger(row?.[1]) ?? 0;
  }
  const changed = db.run(`UPDATE message SET flags = ${AFTER}, modseq = ?6 WHERE ${CHANGING}`, ...values, at);
  if (changed > 0) touchBlocks(db, record.id, first, last, at);
  return changed;
}

function push(to: number[], more: ArrayLike<number>): void {
  for (let place = 0; place < more.length; place += 1) to.push(more[place] ?? 0);
}
