import { describe, expect, it } from 'vitest';
import { parseAddresses } from '../../src/mime/addresses.ts';
import { encodeUnfolded } from '../../src/mime/encode-string.ts';
import { decodeParameter, decodeWords } from '../../src/mime/encoded-word.ts';
import { findFields, selectFields } from '../../src/mime/header-block.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const decode = (charset: string, bytes: Buffer) => {
  if (charset === 'utf-8') return bytes.toString('utf8');
  return charset === 'iso-8859-1' ? bytes.toString('latin1') : undefined;
};

describe('a header block', () => {
  const block = latin1('A: 1\r\nB: 2\r\n\tfolded\r\na : 3\r\nno colon\r\n\r\nA: body\r\n');

  it('gives chosen fields as they are written, in their order', () => {
    expect(selectFields(block, ['a']).toString()).toBe('A: 1\r\na : 3\r\n\r\n');
    expect(selectFields(block, ['B', 'A']).toString()).toBe('A: 1\r\nB: 2\r\n\tfolded\r\na : 3\r\n\r\n');
    expect(selectFields(block, ['a'], true).toString()).toBe('B: 2\r\n\tfolded\r\nno colon\r\n\r\n');
    expect(selectFields(block, ['c']).toString()).toBe('\r\n');
    expect(selectFields(latin1('A: cut'), ['a']).toString()).toBe('A: cut\r\n\r\n');
  });

  it('finds fields unfolded', () => {
    expect(findFields(block, 'A').map(({ value }) => value)).toEqual(['1', '3']);
    expect(findFields(block, 'b').map(({ value }) => value)).toEqual(['2\tfolded']);
  });
});

it.each([
  [undefined, 'NIL'],
  ['', '""'],
  ['a\r\n b\r\n\tc', '"a b\tc"'],
  ['a\rb', '"a b"'],
  ['a\n', '"a "'],
  ['"\\', '"\\"\\\\"'],
  ['\xfc', '{1}\r\n\xfc'],
  ['a\0', '{4}\r\na\xef\xbf\xbd'],
  ['x'.repeat(1001), `{1001}\r\n${'x'.repeat(1001)}`],
])('the text %j is told on one line', (text, told) => expect(encodeUnfolded(text)).toBe(told));

describe('encoded words', () => {
  it.each([
    ['=?utf-8?q?M=C3=BCller?=', 'Müller'],
    ['=?UTF-8?B?TcO8bGxlcg==?=', 'Müller'],
    ['=?iso-8859-1*de?Q?M=FCller_A?= b', 'Müller A b'],
    ['=?utf-8?q?a?= =?utf-8?q?b?=', 'ab'],
    ['=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC?=', 'ü'],
    ['=?utf-8?q?a?= =?iso-8859-1?q?=FC?= c', 'aü c'],
    ['a =?utf-8?q?b?= c', 'a b c'],
    ['=?x-none?q?a=20?=', '=?x-none?q?a=20?='],
    ['=?utf-8?q?', '=?utf-8?q?'],
    ['M\xc3\xbcller', 'Müller'],
    ['M\xfcller', 'M\xfcller'],
  ])('%s', (text, decoded) => expect(decodeWords(text, decode)).toBe(decoded));

  it('are told from encoded parameters', () => {
    expect(decodeParameter({ name: 'name*', value: "utf-8'de'M%C3%BCller" }, decode)).toBe('Müller');
    expect(decodeParameter({ name: 'name', value: '=?utf-8?q?M=C3=BCller?=' }, decode)).toBe('Müller');
    expect(decodeParameter({ name: 'name*', value: "x-none''%FC" }, decode)).toBe('\xfc');
    expect(decodeParameter({ name: 'name*', value: 'broken%20' }, decode)).toBe('broken%20');
  });
});

describe('addresses', () => {
  const shown = (value: string) =>
    parseAddresses(value).addresses.map(({ name, route, mailbox, domain }) => [name, route, mailbox, domain]);
  const none = undefined;

  it.each<[string, (string | undefined)[][]]>([
    ['a@b', [[none, none, 'a', 'b']]],
    [
      'A B <a@b>, "C, D" <c@d>',
      [
        ['A B', none, 'a', 'b'],
        ['C, D', none, 'c', 'd'],
      ],
    ],
    ['a@b (A (B) C)', [['A (B) C', none, 'a', 'b']]],
    ['<@x,@y:a@b>', [[none, '@x,@y', 'a', 'b']]],
    [
      'G: a@b, c@d;, e@f',
      [
        [none, none, 'G', none],
        [none, none, 'a', 'b'],
        [none, none, 'c', 'd'],
        [none, none, none, none],
        [none, none, 'e', 'f'],
      ],
    ],
    ['"a b"@c', [[none, none, 'a b', 'c']]],
    ['a . b @ [1.2.3.4]', [[none, none, 'a.b', '[1.2.3.4]']]],
    ['a..b.@c', [[none, none, 'a..b.', 'c']]],
    ['=?utf-8?q?a?= <a@b>', [['=?utf-8?q?a?=', none, 'a', 'b']]],
    ['alice', [[none, none, 'alice', 'MISSING_DOMAIN']]],
    ['alice bob', [['alice bob', none, 'MISSING_MAILBOX', 'MISSING_DOMAIN']]],
    ['a <b@c', [['a', none, 'b', 'SYNTAX_ERROR']]],
    ['', []],
  ])('%s', (value, expected) => expect(shown(value)).toEqual(expected));

  it('are cut at a number', () => {
    expect(parseAddresses('a@b, c@d', 1)).toMatchObject({ addresses: [{ mailbox: 'a' }], cut: true });
    expect(parseAddresses('a@b, c@d', 2)).toMatchObject({ cut: false });
  });
});
