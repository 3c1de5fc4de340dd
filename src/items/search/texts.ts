import type { SearchKey } from '../search-key.ts';

const KEYS = [
  ['BODY', 'body'],
  ['TEXT', 'text'],
] as const;

/** BODY: the texts; TEXT: header or texts (RFC 9051 §6.4.4). */
export const texts: readonly SearchKey[] = KEYS.map(([name, kind]) => ({
  name,
  parse(reader) {
    reader.scanner.space();
    return { kind, text: reader.text() };
  },
}));
