import { opening } from './select.ts';

/** EXAMINE (RFC 9051 §6.3.3): nothing in the mailbox changes, and what is \Recent stays so for others. */
export const examine = opening('EXAMINE', true);
