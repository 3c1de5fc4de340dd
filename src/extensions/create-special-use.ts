import type { Extension } from './extension.ts';

/** `CREATE name (USE (...))`. */
export const createSpecialUse: Extension = {
  source: 'RFC 6154 §5: CREATE-SPECIAL-USE',
  capabilities: ({ serving }) => (serving ? ['CREATE-SPECIAL-USE'] : []),
};
