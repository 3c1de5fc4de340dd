import { describe, expect, it } from 'vitest';
import { scanDate } from '../../src/imap/date.ts';
import { scanFlagList, scanFlags } from '../../src/imap/flag.ts';
import { scanModSeq } from '../../src/imap/mod-seq.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { Scanner } from '../../src/wire/scanner.ts';

/** Reads all of a text. */
function read<T>(scan: (scanner: Scanner) => T, text: string): T {
  const scanner = new Scanner([Buffer.from(text, 'latin1')]);
  const value = scan(scanner);
  scanner.end();
  return value;
}

describe('flags', () => {
  it.each([
    ['()', []],
    ['(\\seen \\DELETED)', ['\\Seen', '\\Deleted']],
    ['($Forwarded NonJunk)', ['$Forwarded', 'NonJunk']],
    ['(a A \\Seen \\SEEN b)', ['a', '\\Seen', 'b']],
    ['\\Seen', ['\\Seen']],
    ['a b c', ['a', 'b', 'c']],
  ])('%s', (text, flags) => {
    expect(read(scanFlags, text)).toEqual(flags);
  });

  it.each(['', '(', '(a', '(a  b)', '( a)', 'a ', '(\\Recent)', '(\\*)', '(\\Foo)', '(a]b)', '(a*)', '"a"', '(\xe4)'])(
    'not %s',
    text => {
      expect(() => read(scanFlags, text)).toThrow(Malformed);
    },
  );

  it('in a list only within parentheses', () => {
    expect(() => read(scanFlagList, 'a')).toThrow(Malformed);
  });
});

describe('dates', () => {
  it.each([
    ['1-Jan-1970', 0],
    ['"1-Jan-1970"', 0],
    ['02-jan-1970', 1],
    ['31-DEC-1969', -1],
    ['29-Feb-2024', 19782],
    ['1-Jan-0001', -719162],
  ])('%s', (text, day) => {
    expect(read(scanDate, text)).toBe(day);
  });

  it.each([
    '',
    '0-Jan-1970',
    '32-Jan-1970',
    '29-Feb-2023',
    '1-Jam-1970',
    '1-Jan-70',
    '1 Jan 1970',
    '"1-Jan-1970',
    '1-Jan-1970"',
  ])('not %s', text => {
    expect(() => read(scanDate, text)).toThrow(Malformed);
  });
});

describe('mod-sequences', () => {
  it.each([
    ['0', 0],
    ['1795233680330004', 1795233680330004],
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
  ])('%s', (text, value) => {
    expect(read(scanModSeq, text)).toBe(value);
  });

  it.each(['', '-1', 'x', '1x', '99999999999999999999'])('not %s', text => {
    expect(() => read(scanModSeq, text)).toThrow(Malformed);
  });
});
