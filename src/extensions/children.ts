import type { Extension } from './extension.ts';

/** LIST tells \HasChildren and \HasNoChildren of every mailbox. */
export const children: Extension = {
  source: 'RFC 3348: CHILDREN',
  capabilities: ({ serving }) => (serving ? ['CHILDREN'] : []),
};
