import { expect, it } from 'vitest';
import { dayOfDate } from '../../src/mime/date-day.ts';

const day = (iso: string) => Date.parse(`${iso}T00:00:00Z`) / 86_400_000;

it.each([
  ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21'],
  ['21 Nov 97 09:55:06 GMT', '1997-11-21'],
  ['Thu,\r\n 1 Jan 1970 00:00:00 +0000', '1970-01-01'],
  ['Wed, 31 Dec 1969 23:59:59 -1200', '1969-12-31'],
  ['Tue, 29 Feb 2000 23:59:59 +1400 (a comment)', '2000-02-29'],
  ['(odd) Sat (very) , 7 December 02 1:2', '2002-12-07'],
  ['Mon 3 feb 103 1:2:3', '2003-02-03'],
  ['01-Mar-2024 10:00', '2024-03-01'],
  ['5 Sept. 2001 10:00', '2001-09-05'],
])('%j is %s', (value, iso) => expect(dayOfDate(value)).toBe(day(iso)));

it.each([
  '',
  'yesterday',
  'Fri, 31 Apr 2020 00:00:00 +0000',
  '29 Feb 2001 1:2',
  '0 Jan 2001 1:2',
  '1 Foo 2001 1:2',
  '2001-01-02 10:00',
  '1 Jan 20012 1:2',
  `${' '.repeat(100_000)}1 Jan 2001`,
  `1 Jan ${'('.repeat(190)}`,
])('%.40j is none', value => expect(dayOfDate(value)).toBeUndefined());
