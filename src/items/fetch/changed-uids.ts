import { LAST_UID, type ModSeq } from '../../mail/ids.ts';
import type { Cursor } from '../../mail/message.ts';
import type { Mailbox } from '../../mail/store.ts';
import { rangesHave, rangesOf, type UidRanges } from '../../mail/uid-ranges.ts';

/** Changes in a page. */
const PAGE = 2000;

/** Of the messages given, those that have changed since. Asks the change log, which knows them without looking at the others. */
export async function changedUids(
  mailbox: Mailbox,
  given: UidRanges,
  since: ModSeq,
  signal: AbortSignal,
): Promise<UidRanges> {
  const changed = new Set<number>();
  let cursor: Cursor = { modseq: since, uid: LAST_UID };
  for (;;) {
    signal.throwIfAborted();
    const page = await mailbox.changes(cursor, PAGE);
    // The log was cut behind the cursor: what has changed is known all the same, from each message.
    if (page.gone) return await compareUids(mailbox, given, since, signal);
    for (const uid of page.changed.uids) if (rangesHave(given, uid)) changed.add(uid);
    if (page.done) return rangesOf([...changed].sort((one, other) => one - other));
    cursor = page.next;
  }
}

async function compareUids(mailbox: Mailbox, given: UidRanges, since: ModSeq, signal: AbortSignal): Promise<UidRanges> {
  const changed: number[] = [];
  for await (const { uids, modseqs } of mailbox.rows(given, ['modseq'], signal)) {
    for (const [row, uid] of uids.entries()) if ((modseqs?.[row] ?? 0) > since) changed.push(uid);
  }
  return rangesOf(changed);
}
