import type { ModSeq } from '../mail/ids.ts';
import type { Scanner } from '../wire/scanner.ts';

const DIGITS = /\d{1,19}/y;

/**
 * mod-sequence-valzer (RFC 7162 §7): up to 63 bits. What is too large to be exact here is later than everything there is.
 * @throws Malformed
 */
export function scanModSeq(scanner: Scanner): ModSeq {
  return Math.min(Number(scanner.token(DIGITS, 'a mod-sequence')), Number.MAX_SAFE_INTEGER) as ModSeq;
}
