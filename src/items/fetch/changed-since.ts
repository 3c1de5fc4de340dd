import { scanModSeq } from '../../imap/mod-seq.ts';
import type { FetchModifier } from '../fetch-item.ts';
import { modSeqPart } from './mod-seq.ts';

/** CHANGEDSINCE (RFC 7162 §3.1.4.1); MODSEQ is told in any case. */
export const changedSince: FetchModifier = {
  name: 'CHANGEDSINCE',
  parse(scanner) {
    scanner.space();
    return { changedSince: scanModSeq(scanner), parts: [modSeqPart()], uses: 'CONDSTORE' };
  },
};
