import type { SearchKey } from '../search-key.ts';

const KEYS = [
  ['LARGER', 'larger'],
  ['SMALLER', 'smaller'],
] as const;

/** LARGER and SMALLER (RFC 9051 §6.4.4), of RFC822.SIZE. */
export const sizes: readonly SearchKey[] = KEYS.map(([name, kind]) => ({
  name,
  parse({ scanner }) {
    scanner.space();
    return { kind, octets: scanner.number('a number of octets') };
  },
}));
