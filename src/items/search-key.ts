import type { SequenceSet } from '../imap/sequence-set.ts';
import type { Query } from '../mail/query.ts';
import type { UidRanges } from '../mail/uid-ranges.ts';
import type { Scanner } from '../wire/scanner.ts';

/** One key of SEARCH (RFC 9051 §6.4.4); an extension brings more. */
export interface SearchKey {
  /** In capitals. */
  readonly name: string;
  /** Reads what follows the name. @throws Malformed */
  parse(reader: SearchReader): SearchTerm;
}

/** What a key asks: known at once, or only with the mailbox's view, as sequence numbers and \Recent are. */
export type SearchTerm = Query | ((view: SearchView) => Query | Promise<Query>);

/** What a key may know of the selected mailbox: see `SelectedMailbox`. */
export interface SearchView {
  readonly exists: number;
  readonly recent: UidRanges;
  resolve(set: SequenceSet, byUid: boolean): Promise<UidRanges>;
}

/** What a key's grammar may need. */
export interface SearchReader {
  readonly scanner: Scanner;
  /** Another search-key, for keys that hold some. @throws Malformed also when they are nested too deeply */
  key(): SearchTerm;
  /** An astring in the charset of the command, as Unicode. @throws Malformed */
  text(): string;
  /** The client turns a feature on by asking; with `CONDSTORE` the answer ends with MODSEQ (RFC 7162 §3.1.5). */
  uses(feature: string): void;
}

export async function resolveTerm(term: SearchTerm, view: SearchView): Promise<Query> {
  return typeof term === 'function' ? await term(view) : term;
}

/** Several terms as one. */
export function combineTerms(kind: 'and' | 'or', terms: readonly SearchTerm[]): SearchTerm {
  const [only] = terms;
  if (only !== undefined && terms.length === 1) return only;
  const known = terms.filter(term => typeof term !== 'function');
  if (known.length === terms.length) return { kind, parts: known };
  return async view => {
    const parts: Query[] = [];
    for (const term of terms) parts.push(await resolveTerm(term, view));
    return { kind, parts };
  };
}

export function negate(term: SearchTerm): SearchTerm {
  if (typeof term !== 'function') return { kind: 'not', part: term };
  return async view => ({ kind: 'not', part: await term(view) });
}
