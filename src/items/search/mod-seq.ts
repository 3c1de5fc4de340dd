import { scanModSeq } from '../../imap/mod-seq.ts';
import type { SearchKey } from '../search-key.ts';

/** RFC 7162 §3.1.5: of which metadata the mod-sequence is meant, and whose. */
const ENTRY_TYPE = /(?:priv|shared|all) /iy;

/**
 * MODSEQ (RFC 7162 §3.1.5). A message has one mod-sequence for all its metadata here, so that the entry, where one is given, makes no
 * difference.
 */
export const modSeq: SearchKey = {
  name: 'MODSEQ',
  parse({ scanner, uses }) {
    uses('CONDSTORE');
    scanner.space();
    if (scanner.peek() === '"') {
      scanner.string('the name of an entry');
      scanner.space();
      scanner.token(ENTRY_TYPE, 'priv, shared or all');
    }
    return { kind: 'modseq', from: scanModSeq(scanner) };
  },
};
