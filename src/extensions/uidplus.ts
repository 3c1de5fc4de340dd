import { uidExpunge } from '../commands/expunge.ts';
import type { Extension } from './extension.ts';

/** UID EXPUNGE; the UIDs that APPEND and COPY have given are told by these. */
export const uidplus: Extension = {
  source: 'RFC 4315: UIDPLUS',
  uidCommands: () => [uidExpunge],
  capabilities: ({ serving }) => (serving ? ['UIDPLUS'] : []),
};
