import type { Extension } from './extension.ts';

/** The initial response itself is part of AUTHENTICATE's grammar. */
export const saslIr: Extension = {
  source: 'RFC 4959: SASL initial client response',
  capabilities: ({ serving }) => (serving ? [] : ['SASL-IR']),
};
