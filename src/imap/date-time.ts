import type { ZonedDate } from '../mail/message.ts';
import { Malformed } from '../wire/malformed.ts';

export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

const DATE_TIME = /^( \d|\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;
const MINUTE_MS = 60_000;

/** What is between the quotes of a date-time (RFC 3501 §9): ` 1-Jan-2026 09:00:00 +0100`. @throws Malformed */
export function parseDateTime(text: string): ZonedDate {
  const match = DATE_TIME.exec(text);
  if (!match) throw new Malformed('a date and time was expected');
  const [, day = '', name = '', year, hour, minute, second, sign, zoneHours, zoneMinutes] = match;
  const month = MONTHS.findIndex(known => known.toLowerCase() === name.toLowerCase());
  const date = new Date(0);
  date.setUTCFullYear(Number(year), month, Number(day));
  // A day or a month that there is not moves on to another.
  const dayExists = month !== -1 && date.getUTCMonth() === month && date.getUTCDate() === Number(day);
  // 60 is a leap second, and the first of the next minute.
  const timeExists = Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60;
  const zoneExists = Number(zoneHours) < 24 && Number(zoneMinutes) < 60;
  if (!dayExists || !timeExists || !zoneExists) throw new Malformed('there is no such date and time');
  const east = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1);
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  return { time: date.getTime() - east * MINUTE_MS, zone: east === 0 ? 0 : east };
}

/** This second, in the time zone of the server. */
export function dateTimeNow(now = new Date()): ZonedDate {
  const east = -now.getTimezoneOffset();
  return { time: Math.floor(now.getTime() / 1000) * 1000, zone: east === 0 ? 0 : Math.round(east) };
}
