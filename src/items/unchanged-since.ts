import { scanModSeq } from '../imap/mod-seq.ts';
import type { StoreModifier } from './store-modifier.ts';

/** UNCHANGEDSINCE (RFC 7162 §3.1.3). */
export const unchangedSince: StoreModifier = {
  name: 'UNCHANGEDSINCE',
  parse(scanner) {
    scanner.space();
    return { unchangedSince: scanModSeq(scanner), uses: 'CONDSTORE' };
  },
};
