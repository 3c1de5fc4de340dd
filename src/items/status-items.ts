import type { StatusItem } from './status-item.ts';

/** Those of RFC 3501 §6.3.10. */
export const STATUS_ITEMS: readonly StatusItem[] = [
  { name: 'MESSAGES', value: ({ exists }) => exists },
  { name: 'RECENT', value: ({ recent }) => recent },
  { name: 'UIDNEXT', value: ({ uidNext }) => uidNext },
  { name: 'UIDVALIDITY', value: ({ uidValidity }) => uidValidity },
  { name: 'UNSEEN', value: ({ unseen }) => unseen },
];

/** RFC 7162 §3.1: HIGHESTMODSEQ. Asking for it says that the client knows of mod-sequences. */
export const STATUS_HIGHESTMODSEQ: StatusItem = {
  name: 'HIGHESTMODSEQ',
  value: ({ at }) => at,
  enables: 'CONDSTORE',
};
