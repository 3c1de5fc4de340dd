import { describe, expect, it } from 'vitest';
import { dateTimeNow, parseDateTime } from '../../src/imap/date-time.ts';
import { Malformed } from '../../src/wire/malformed.ts';

describe('date-time', () => {
  it.each([
    ['01-Jan-1970 00:00:00 +0000', '1970-01-01T00:00:00Z', 0],
    [' 1-Jan-2020 09:05:07 +0130', '2020-01-01T07:35:07Z', 90],
    ['31-dec-2026 23:59:59 -0800', '2027-01-01T07:59:59Z', -480],
    ['29-Feb-2024 12:00:00 +0000', '2024-02-29T12:00:00Z', 0],
    ['30-JUN-2015 23:59:60 +0000', '2015-07-01T00:00:00Z', 0],
    ['01-Jan-0001 00:00:00 +0000', '0001-01-01T00:00:00Z', 0],
    ['17-Jul-1996 02:44:25 -0000', '1996-07-17T02:44:25Z', 0],
    ['17-Jul-1996 02:44:25 +2359', '1996-07-16T02:45:25Z', 1439],
  ])('%j', (text, time, zone) => {
    expect(parseDateTime(text)).toEqual({ time: Date.parse(time), zone });
  });

  it.each([
    '',
    '1-Jan-2020 09:05:07 +0100',
    ' 01-Jan-2020 09:05:07 +0100',
    '  1-Jan-2020 09:05:07 +0100',
    '32-Jan-2020 09:05:07 +0100',
    '00-Jan-2020 09:05:07 +0100',
    '29-Feb-2023 09:05:07 +0100',
    '31-Apr-2023 09:05:07 +0100',
    '01-Foo-2020 09:05:07 +0100',
    '01-January-2020 09:05:07 +0100',
    '01-Jan-20 09:05:07 +0100',
    '01-Jan-2020 24:00:00 +0100',
    '01-Jan-2020 09:60:07 +0100',
    '01-Jan-2020 09:05:61 +0100',
    '01-Jan-2020 9:05:07 +0100',
    '01-Jan-2020 09:05:07 0100',
    '01-Jan-2020 09:05:07 +01:00',
    '01-Jan-2020 09:05:07 +0160',
    '01-Jan-2020 09:05:07 +2400',
    '01-Jan-2020 09:05:07 GMT',
    '01-Jan-2020 09:05:07',
    '01-Jan-2020',
    '01-Jan-2020 09:05:07 +0100 ',
    '01 Jan 2020 09:05:07 +0100',
  ])('%j is none', text => {
    expect(() => parseDateTime(text)).toThrow(Malformed);
  });

  it('is now in whole seconds, in the zone of the server', () => {
    const now = new Date(Date.UTC(2026, 10, 21, 3, 26, 0, 789));
    expect(dateTimeNow(now)).toEqual({
      time: Date.UTC(2026, 10, 21, 3, 26, 0),
      zone: now.getTimezoneOffset() === 0 ? 0 : -now.getTimezoneOffset(),
    });
  });
});
