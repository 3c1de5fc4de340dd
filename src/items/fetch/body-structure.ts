import type { FetchItem } from '../fetch-item.ts';
import { encodedColumn } from './encoded-column.ts';

/** BODYSTRUCTURE (RFC 9051 §7.5.2). */
export const bodyStructure: FetchItem = {
  name: 'BODYSTRUCTURE',
  parse: () => encodedColumn('BODYSTRUCTURE', 'structure', page => page.structures),
};
