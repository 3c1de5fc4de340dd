import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';
import { MONTHS } from './date-time.ts';

const DATE = /"?(\d{1,2})-([A-Za-z]{3})-(\d{4})"?/y;
const DAY_MS = 86_400_000;

/** date (RFC 9051 §9), quoted or not: `1-Feb-1994`. @returns days since 1970-01-01 @throws Malformed also for a day that there is not */
export function scanDate(scanner: Scanner): number {
  const token = scanner.token(DATE, 'a date');
  const [day = '', name = '', year = ''] = token.replaceAll('"', '').split('-');
  const month = MONTHS.findIndex(known => known.toLowerCase() === name.toLowerCase());
  const date = new Date(0);
  date.setUTCFullYear(Number(year), month, Number(day));
  const exists = month !== -1 && date.getUTCMonth() === month && date.getUTCDate() === Number(day);
  if (!exists || token.startsWith('"') !== token.endsWith('"')) throw new Malformed('there is no such date');
  return date.getTime() / DAY_MS;
}
