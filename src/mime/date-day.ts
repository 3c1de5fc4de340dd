const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** Longer ones are no dates; the patterns below take time by the square of what they look at. */
const LONGEST = 200;
const DAY_MS = 86_400_000;
const DATE = /^\s*(?:[a-z]+\s*(?:,|\.)?\s*)?(\d{1,2})\s*[\s-]\s*([a-z]{3})[a-z]*\.?\s*[\s-]\s*(\d{2,4})(?![\d])/i;

/**
 * The day that a Date field tells, in days since 1970-01-01, in its own time zone (RFC 5322 §3.3, the old forms of §4.3, and some
 * that are only found). Undefined: none that can be read.
 */
export function dayOfDate(value: string): number | undefined {
  if (value.length > LONGEST) return undefined;
  const match = DATE.exec(value.replace(/\([^()]*\)/g, ' '));
  if (!match) return undefined;
  const [, day = '', name = '', digits = ''] = match;
  const month = MONTHS.indexOf(name.toLowerCase());
  if (month === -1) return undefined;
  const date = new Date(0);
  // Not by the constructor: it takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(fullYear(digits), month, Number(day));
  return date.getUTCMonth() === month && Number(day) > 0 ? date.getTime() / DAY_MS : undefined;
}

/** RFC 5322 §4.3: of two digits 00 to 49 are of this century; of three, add 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) return year < 50 ? 2000 + year : 1900 + year;
  return digits.length === 3 ? 1900 + year : year;
}
