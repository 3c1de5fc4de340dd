import { SYSTEM_FLAGS } from '../mail/flags.ts';

/**
 * FLAGS and PERMANENTFLAGS (RFC 9051 §7.3.5, §7.1) as lines: which flags there are, and which a client may change for good; `\*` where
 * it may add keywords.
 * @param keywords the mailbox's table; places not in use hold ''
 */
export function flagTable(keywords: readonly string[], moreKeywords: boolean, readOnly: boolean): string {
  const flags = [...SYSTEM_FLAGS, ...keywords.filter(name => name !== '')].join(' ');
  const permanent = readOnly ? '' : `${flags}${moreKeywords ? ' \\*' : ''}`;
  const text = readOnly ? 'The mailbox is read-only.' : 'Flags are kept.';
  return `* FLAGS (${flags})\r\n* OK [PERMANENTFLAGS (${permanent})] ${text}\r\n`;
}
