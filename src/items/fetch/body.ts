import type { FetchItem } from '../fetch-item.ts';
import { encodedColumn } from './encoded-column.ts';

/** BODY without a section: BODYSTRUCTURE without its extension data (RFC 9051 §7.5.2). */
export const body: FetchItem = {
  name: 'BODY',
  parse: () => encodedColumn('BODY', 'body', page => page.bodies),
};
