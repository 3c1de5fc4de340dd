import type { Query } from '../../mail/query.ts';
import type { SearchKey, SearchView } from '../search-key.ts';

const recentQuery = ({ recent }: SearchView): Query => ({ kind: 'uid', uids: recent });

/** Keys of \Recent (RFC 3501 §6.4.4), which is the session's own. */
export const recent: readonly SearchKey[] = [
  { name: 'RECENT', parse: () => recentQuery },
  { name: 'OLD', parse: () => view => ({ kind: 'not', part: recentQuery(view) }) },
  {
    name: 'NEW',
    parse: () => view => ({
      kind: 'and',
      parts: [recentQuery(view), { kind: 'not', part: { kind: 'flag', name: '\\Seen' } }],
    }),
  },
];
