import { changedSince } from '../items/fetch/changed-since.ts';
import { modSeq } from '../items/fetch/mod-seq.ts';
import { modSeq as modSeqKey } from '../items/search/mod-seq.ts';
import { STATUS_HIGHESTMODSEQ } from '../items/status-items.ts';
import { unchangedSince } from '../items/unchanged-since.ts';
import type { Extension } from './extension.ts';

/** Turned on by any of its words, or by ENABLE (RFC 7162 §3.1). */
export const condstore: Extension = {
  source: 'RFC 7162: CONDSTORE',
  words: {
    fetchItems: [modSeq],
    fetchModifiers: [changedSince],
    storeModifiers: [unchangedSince],
    searchKeys: [modSeqKey],
    statusItems: [STATUS_HIGHESTMODSEQ],
  },
  capabilities: ({ serving }) => (serving ? ['CONDSTORE'] : []),
  enables: ['CONDSTORE'],
};
