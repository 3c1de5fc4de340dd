import { scanSequenceSet } from '../../imap/sequence-set.ts';
import type { SearchKey } from '../search-key.ts';

/** UID (RFC 9051 §6.4.4). */
export const uid: SearchKey = {
  name: 'UID',
  parse({ scanner }) {
    scanner.space();
    const set = scanSequenceSet(scanner);
    return async view => ({ kind: 'uid', uids: await view.resolve(set, true) });
  },
};
