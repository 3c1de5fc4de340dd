import { scanDate } from '../../imap/date.ts';
import type { SearchKey } from '../search-key.ts';

const KEYS = [
  ['BEFORE', 'received', 'before'],
  ['ON', 'received', 'on'],
  ['SINCE', 'received', 'since'],
  ['SENTBEFORE', 'sent', 'before'],
  ['SENTON', 'sent', 'on'],
  ['SENTSINCE', 'sent', 'since'],
] as const;

/** Keys of the internal date and of the Date field; time and zone are of no account (RFC 9051 §6.4.4). */
export const dates: readonly SearchKey[] = KEYS.map(([name, kind, when]) => ({
  name,
  parse({ scanner }) {
    scanner.space();
    return { kind, when, day: scanDate(scanner) };
  },
}));
