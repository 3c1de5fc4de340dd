import type { Extension } from './extension.ts';

/** LIST tells special uses of every mailbox that has one, and selects by them. */
export const specialUse: Extension = {
  source: 'RFC 6154: special-use mailboxes',
  capabilities: ({ serving }) => (serving ? ['SPECIAL-USE'] : []),
};
