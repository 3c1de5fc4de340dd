import type { Extension } from './extension.ts';

/** Our own commands take non-synchronising literals always; announced is what holds for all that may follow the login. */
export const literalPlus: Extension = {
  source: 'RFC 7888: non-synchronising literals',
  capabilities: ({ upstreamLiterals }) => (upstreamLiterals ? [upstreamLiterals] : []),
};
