import type { SearchKey } from '../search-key.ts';

/** ALL (RFC 9051 §6.4.4). */
export const all: SearchKey = { name: 'ALL', parse: () => ({ kind: 'all' }) };
