import type { FetchMacro } from '../fetch-item.ts';

/** RFC 9051 §6.4.5. */
export const macros: readonly FetchMacro[] = [
  { name: 'ALL', items: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'] },
  { name: 'FAST', items: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'] },
  { name: 'FULL', items: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'] },
];
