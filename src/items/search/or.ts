import { combineTerms, type SearchKey, type SearchTerm } from '../search-key.ts';

const AGAIN = /OR /iy;

/** OR (RFC 9051 §6.4.4). Clients chain it: `OR a OR b c` is one question of three, however long the chain. */
export const or: SearchKey = {
  name: 'OR',
  parse(reader) {
    const { scanner } = reader;
    const terms: SearchTerm[] = [];
    scanner.space();
    do {
      terms.push(reader.key());
      scanner.space();
    } while (scanner.acceptToken(AGAIN));
    terms.push(reader.key());
    return combineTerms('or', terms);
  },
};
