import type { SystemFlag } from '../../mail/flags.ts';
import type { Query } from '../../mail/query.ts';
import type { SearchKey } from '../search-key.ts';

const KEYS: readonly (readonly [key: string, flag: SystemFlag, set: boolean])[] = [
  ['ANSWERED', '\\Answered', true],
  ['UNANSWERED', '\\Answered', false],
  ['DELETED', '\\Deleted', true],
  ['UNDELETED', '\\Deleted', false],
  ['DRAFT', '\\Draft', true],
  ['UNDRAFT', '\\Draft', false],
  ['FLAGGED', '\\Flagged', true],
  ['UNFLAGGED', '\\Flagged', false],
  ['SEEN', '\\Seen', true],
  ['UNSEEN', '\\Seen', false],
];

/** Keys of the system flags (RFC 9051 §6.4.4). */
export const systemFlags: readonly SearchKey[] = KEYS.map(([name, flag, set]) => {
  const query: Query = { kind: 'flag', name: flag };
  return { name, parse: () => (set ? query : { kind: 'not', part: query }) };
});
