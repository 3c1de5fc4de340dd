import type { Extension } from './extension.ts';

/** Our own commands take non-synchronising literals always; before login it is announced what holds for all that may follow. */
export const literalPlus: Extension = {
  source: 'RFC 7888: non-synchronising literals',
  capabilities: ({ serving, upstreamLiterals }) => {
    const kind = serving ? 'LITERAL+' : upstreamLiterals;
    return kind ? [kind] : [];
  },
};
