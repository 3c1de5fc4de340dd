import { systemFlag } from '../mail/flags.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';

// RFC 9051 §9: flag-keyword = atom; none of the specials, which list patterns and response codes would need quoted.
const KEYWORD = /[^\x00-\x20\x7f-\xff(){"%*\\\]]+/y;
const SYSTEM = /\\[A-Za-z]+/y;
/** Longer keywords are no keywords of people; every FLAGS response repeats them. */
const KEYWORD_MOST = 255;

/**
 * flag (RFC 9051 §9): a system flag, spelled as it is told, or a keyword. \Recent cannot be set by a client (RFC 3501 §2.3.2), and
 * there are no flag extensions.
 * @throws Malformed
 */
export function scanFlag(scanner: Scanner): string {
  if (scanner.peek() !== '\\') return scanKeyword(scanner);
  const name = scanner.token(SYSTEM, 'a flag');
  const flag = systemFlag(name);
  if (!flag) throw new Malformed('this flag cannot be set');
  return flag;
}

/** @throws Malformed */
export function scanKeyword(scanner: Scanner): string {
  const keyword = scanner.token(KEYWORD, 'a keyword');
  if (keyword.length > KEYWORD_MOST) throw new Malformed(`a keyword has at most ${KEYWORD_MOST} characters`);
  return keyword;
}

/** flag-list: in parentheses, perhaps empty. Each flag once. @throws Malformed */
export function scanFlagList(scanner: Scanner): readonly string[] {
  return distinct(scanner.list(() => scanFlag(scanner)));
}

/** What STORE takes: flag-list, or flags with a space between them. @throws Malformed */
export function scanFlags(scanner: Scanner): readonly string[] {
  if (scanner.peek() === '(') return scanFlagList(scanner);
  const flags: string[] = [];
  do flags.push(scanFlag(scanner));
  while (scanner.accept(' '));
  return distinct(flags);
}

/** Keywords that differ in case only are one (RFC 9051 §2.3.2). */
function distinct(flags: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const flag of flags) {
    const name = flag.toLowerCase();
    if (!byName.has(name)) byName.set(name, flag);
  }
  return [...byName.values()];
}
