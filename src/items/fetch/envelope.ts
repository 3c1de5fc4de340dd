import type { FetchItem } from '../fetch-item.ts';
import { encodedColumn } from './encoded-column.ts';

/** ENVELOPE (RFC 9051 §7.5.2). */
export const envelope: FetchItem = {
  name: 'ENVELOPE',
  parse: () => encodedColumn('ENVELOPE', 'envelope', page => page.envelopes),
};
