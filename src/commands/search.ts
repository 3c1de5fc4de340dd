import { TOLD_CHARSETS } from '../imap/charset.ts';
import { type SearchProgram, scanSearchProgram } from '../items/search/search-program.ts';
import { BoundedView } from '../items/search/search-view.ts';
import { resolveTerm } from '../items/search-key.ts';
import type { Vocabulary } from '../items/vocabulary.ts';
import type { Uid } from '../mail/ids.ts';
import type { Query } from '../mail/query.ts';
import type { Completion, SelectedMailbox } from '../session/contract.ts';
import { ResponseBuffer } from '../wire/response-buffer.ts';
import { type AnyCommand, command, SELECTED } from './command.ts';

/** SEARCH, and UID SEARCH (RFC 9051 §6.4.4, §6.4.9; the answer is RFC 3501 §7.2.5's). */
export function search(vocabulary: Vocabulary, byUid: boolean): AnyCommand {
  return command<SearchProgram>({
    name: 'SEARCH',
    states: SELECTED,
    updates: byUid ? 'all' : 'no-expunge',
    parse(scanner) {
      scanner.space();
      return scanSearchProgram(scanner, vocabulary);
    },
    async *run({ mail }, { term, uses, fault }) {
      if (fault) return FAULTS[fault];
      const { selected, signal } = mail;
      for (const feature of uses) mail.enable(feature);
      // Sequence numbers need the list of the view.
      if (!byUid) await selected.resolve([], true);
      const query = await resolveTerm(term, new BoundedView(selected));
      const found =
        selected.exists === 0 ? undefined : await selected.mailbox.search(withinView(query, selected), signal);
      const out = new ResponseBuffer();
      out.text('* SEARCH');
      let told = 0;
      for (const uid of found?.uids ?? []) {
        const number = byUid ? uid : selected.seqOf(uid);
        if (number === undefined) continue;
        told += 1;
        out.text(' ');
        out.number(number);
        if (out.full) yield { unfinished: out.take() };
      }
      if (found && told > 0 && uses.has('CONDSTORE')) out.text(` (MODSEQ ${found.maxModSeq})`);
      out.text('\r\n');
      yield out.take();
      return { status: 'OK', text: 'SEARCH completed.' };
    },
  });
}

const FAULTS: Readonly<Record<NonNullable<SearchProgram['fault']>, Completion>> = {
  'unknown-charset': {
    status: 'NO',
    code: `BADCHARSET (${TOLD_CHARSETS.join(' ')})`,
    text: 'This charset is not known.',
  },
  'bad-text': { status: 'NO', text: 'The text is not in the charset it is said to be in.' },
};

/** Messages that the client has not been told of are none of its (DESIGN.md: results are clipped to what the view knows). */
function withinView(query: Query, { uidNext }: SelectedMailbox): Query {
  const known: Query = { kind: 'uid', uids: [[1 as Uid, (uidNext - 1) as Uid]] };
  if (query.kind === 'all') return known;
  return { kind: 'and', parts: [known, ...(query.kind === 'and' ? query.parts : [query])] };
}
