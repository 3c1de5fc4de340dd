import { negate, type SearchKey } from '../search-key.ts';

/** NOT (RFC 9051 §6.4.4). */
export const not: SearchKey = {
  name: 'NOT',
  parse(reader) {
    reader.scanner.space();
    return negate(reader.key());
  },
};
