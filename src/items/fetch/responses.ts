import { renderStatus, statusOf } from '../../imap/status.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Field, RowPage } from '../../mail/rows.ts';
import { rangesHave, type UidRanges } from '../../mail/uid-ranges.ts';
import type { MailSession } from '../../session/contract.ts';
import type { FetchPart } from '../fetch-item.ts';
import { Pace } from '../pace.ts';
import { FlagTexts } from './flag-texts.ts';
import { markSeen, type Seen } from './mark-seen.ts';
import { MessageWriter, type UnfinishedPiece } from './message-writer.ts';

export interface Fetched {
  /** Messages that are there, whether or not they could be told. */
  readonly found: number;
  /** Why some were not. */
  readonly failure: MailError | undefined;
}

/** Which rows are told. */
export interface RowFilter {
  readonly needs: readonly Field[];
  holds(page: RowPage, row: number): boolean;
}

/**
 * The FETCH responses for messages, in pieces. Nothing is promised that cannot be kept: octets are read before a literal's head goes
 * out, and a message of which they cannot be had is left out.
 * @throws BrokenResponse when octets end after their literal's head went out
 */
export async function* fetchResponses(
  mail: MailSession,
  uids: UidRanges,
  parts: readonly FetchPart[],
  only?: RowFilter,
): AsyncGenerator<Buffer | string | UnfinishedPiece, Fetched, undefined> {
  const { selected, signal } = mail;
  const marking = !selected.readOnly && parts.some(part => part.marksSeen);
  const wants = new Set([...parts.flatMap(part => part.wants), ...(only?.needs ?? [])]);
  const footer = new SeenFooter(mail, parts);
  if (marking) wants.add('flags');
  const writer = new MessageWriter(mail, parts);
  const pace = new Pace();
  let found = 0;
  for await (const page of selected.mailbox.rows(uids, [...wants], signal)) {
    const marked = marking ? await markSeen(selected, page) : undefined;
    const seen = marked instanceof MailError ? undefined : marked;
    if (marked instanceof MailError) yield renderStatus('*', statusOf(marked));
    for (let row = 0; row < page.uids.length; row += 1) {
      const seq = selected.seqOf(page.uids[row] ?? 0);
      if (seq === undefined) continue;
      found += 1;
      if (only && !only.holds(page, row)) continue;
      const foot = seen && footer.textOf(seen, page, row);
      if (!writer.write(seq, page, row, foot)) yield* writer.stream(seq, page, row, foot);
      if (writer.out.full) yield writer.out.take();
      if (pace.isDue) await pace.rest();
    }
    if (!seen) continue;
    // After the octets: what others have changed meanwhile is newer than what was told with them.
    if (writer.out.length > 0) yield writer.out.take();
    yield* selected.sync('withheld', { at: seen.at, uids: seen.marked, except: seen.interleaved, whole: true });
  }
  if (writer.out.length > 0) yield writer.out.take();
  return { found, failure: writer.failure };
}

/** FLAGS, and with CONDSTORE MODSEQ, of messages that reading has changed (RFC 9051 §6.4.5, RFC 7162 §3.1). */
class SeenFooter {
  readonly #texts = new FlagTexts();
  readonly #mail: MailSession;
  readonly #tellsFlags: boolean;
  readonly #tellsModSeq: boolean;

  constructor(mail: MailSession, parts: readonly FetchPart[]) {
    this.#mail = mail;
    this.#tellsFlags = parts.some(({ wants }) => wants.includes('flags'));
    this.#tellsModSeq = parts.some(({ wants }) => wants.includes('modseq'));
  }

  textOf(seen: Seen, { uids, flags, keywords }: RowPage, row: number): string | undefined {
    const uid = uids[row] ?? 0;
    if (!rangesHave(seen.marked, uid) || rangesHave(seen.interleaved, uid)) return undefined;
    const { selected, enabled } = this.#mail;
    const text = this.#tellsFlags ? '' : ` ${this.#texts.textOf(flags?.[row] ?? 0, keywords, selected.isRecent(uid))}`;
    return !this.#tellsModSeq && enabled.has('CONDSTORE') ? `${text} MODSEQ (${seen.at})` : text;
  }
}
