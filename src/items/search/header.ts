import type { SearchKey } from '../search-key.ts';

/** HEADER (RFC 9051 §6.4.4): an empty text asks whether there is such a field. */
export const header: SearchKey = {
  name: 'HEADER',
  parse(reader) {
    reader.scanner.space();
    const field = reader.scanner.astring('the name of a header field');
    reader.scanner.space();
    return { kind: 'header', field, text: reader.text() };
  },
};
