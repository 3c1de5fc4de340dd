import { scanKeyword } from '../../imap/flag.ts';
import type { Query } from '../../mail/query.ts';
import type { SearchKey, SearchReader } from '../search-key.ts';

/** KEYWORD and UNKEYWORD (RFC 9051 §6.4.4). */
export const keyword: readonly SearchKey[] = [
  { name: 'KEYWORD', parse: scanQuery },
  { name: 'UNKEYWORD', parse: reader => ({ kind: 'not', part: scanQuery(reader) }) },
];

function scanQuery({ scanner }: SearchReader): Query {
  scanner.space();
  return { kind: 'flag', name: scanKeyword(scanner) };
}
