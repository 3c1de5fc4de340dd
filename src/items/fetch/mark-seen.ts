import { hasFlags, SEEN } from '../../mail/flags.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { RowPage } from '../../mail/rows.ts';
import { rangesCount, rangesHave, rangesOf, type UidRanges } from '../../mail/uid-ranges.ts';
import type { SelectedMailbox } from '../../session/contract.ts';

export interface Seen {
  /** Modseq of the rows that were marked. */
  readonly at: number;
  readonly marked: UidRanges;
  /** Changed by others, too: their flags are not known here, and told by `sync`. */
  readonly interleaved: UidRanges;
}

/**
 * Sets \Seen on the messages of a page that have it not (RFC 9051 §6.4.5), and in the page.
 * @returns undefined: all have it; a MailError: it could not be done, which is no reason not to let somebody read
 */
export async function markSeen({ mailbox, at }: SelectedMailbox, page: RowPage): Promise<Seen | MailError | undefined> {
  const { uids, flags } = page;
  if (!flags) throw new Error('a page without flags');
  const unseen = rangesOf(uids.filter((_, row) => !hasFlags(flags[row] ?? 0, SEEN)));
  if (unseen.length === 0) return undefined;
  try {
    const set = await mailbox.setFlags(unseen, { kind: 'add', flags: ['\\Seen'] }, { viewAt: at });
    for (const [row, uid] of uids.entries()) {
      if (!rangesHave(unseen, uid) || rangesHave(set.missing, uid)) continue;
      flags[row] = (flags[row] ?? 0) + SEEN;
      if (page.modseqs && set.changed > 0) page.modseqs[row] = set.at;
    }
    // Somebody else has marked some of them meanwhile: which, and under what modseq, `sync` tells of all.
    const byOthers = set.changed < rangesCount(unseen) - rangesCount(set.missing);
    return { at: set.changed > 0 ? set.at : 0, marked: unseen, interleaved: byOthers ? unseen : set.interleaved };
  } catch (error) {
    if (error instanceof MailError) return error;
    throw error;
  }
}
