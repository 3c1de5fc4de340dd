/**
 * Flags of one message as a number of 53 bits: bits 0 to 4 are the system flags, bit 5 + n is the mailbox's keyword n. Which
 * keyword that is, the mailbox's own table says, which comes with every page of rows. \Recent is not among them: it belongs to a
 * session.
 */
export type FlagMask = number;

/** In the order of their bits, spelled as they are told. */
export const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const;
export type SystemFlag = (typeof SYSTEM_FLAGS)[number];

export const ANSWERED = 1;
export const FLAGGED = 2;
export const DELETED = 4;
export const SEEN = 8;
export const DRAFT = 16;

/** Keywords that a mailbox can have at a time. */
export const KEYWORDS_MOST = 48;

/** Low and high half: JavaScript's bit operators know 32 bits only. */
const HALF = 2 ** 26;

export function hasFlags(mask: FlagMask, wanted: FlagMask): boolean {
  const low = wanted % HALF;
  const high = Math.floor(wanted / HALF);
  return ((mask % HALF) & low) === low && (Math.floor(mask / HALF) & high) === high;
}

/** The bit of the keyword in place `index` of its mailbox's table. */
export function keywordBit(index: number): FlagMask {
  return 2 ** (SYSTEM_FLAGS.length + index);
}

/**
 * @param keywords the mailbox's table; a place whose keyword is no longer used holds ''
 * @returns as told to clients: system flags first
 */
export function flagNames(mask: FlagMask, keywords: readonly string[]): string[] {
  const names: string[] = [];
  let rest = mask;
  for (const name of SYSTEM_FLAGS) {
    if (rest % 2 === 1) names.push(name);
    rest = Math.floor(rest / 2);
  }
  for (let index = 0; rest > 0; index += 1) {
    const name = keywords[index];
    if (rest % 2 === 1 && name) names.push(name);
    rest = Math.floor(rest / 2);
  }
  return names;
}

/** The system flag a name means, in any case (RFC 9051 §2.3.2); undefined: a keyword, or \Recent. */
export function systemFlag(name: string): SystemFlag | undefined {
  const lower = name.toLowerCase();
  return SYSTEM_FLAGS.find(flag => flag.toLowerCase() === lower);
}
