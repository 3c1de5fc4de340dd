import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import { findFields } from '../../../src/mime/header-block.ts';
import { fold } from '../../../src/store/search/fold.ts';
import { FieldMatcher } from '../../../src/store/search/header-fields.ts';
import fc from '../../support/fast-check.ts';

const has = (header: string | Buffer, field: string, text: string) =>
  new FieldMatcher(field, text).matches(typeof header === 'string' ? Buffer.from(header) : header);
const word = (charset: string, text: string) => `=?${charset}?b?${iconv.encode(text, charset).toString('base64')}?=`;

describe('a field of a header', () => {
  it.each<[string, string, string, boolean]>([
    ['first line', 'Subject: abc\r\n\r\n', 'subject', true],
    ['later line', 'To: x\r\nsUbJeCt: abc\r\n\r\n', 'Subject', true],
    ['space before the colon', 'To: x\r\nSubject \t: abc\r\n\r\n', 'subject', true],
    ['second of two', 'Subject: x\r\nSubject: abc\r\n\r\n', 'subject', true],
    ['another field', 'X-Subject: abc\r\nSubjects: abc\r\n\r\n', 'subject', false],
    ['in a folded line', 'To: x\r\n Subject: abc\r\n\r\n', 'subject', false],
    ['another line', 'Subject: x\r\nTo: abc\r\n\r\n', 'subject', false],
    ['over a fold', 'Subject: xa\r\n bc\r\n\r\n', 'subject', false],
    ['after a fold', 'Subject: x\r\n ABC\r\n\r\n', 'subject', true],
    ['bare line feeds', 'To: x\nSubject: xAbC\n\n', 'subject', true],
    ['no line end', 'Subject: abc', 'subject', true],
    ['cut short', 'Subject', 'subject', false],
    ['empty', '', 'subject', false],
  ])('%s', (_, header, field, expected) => {
    expect(has(header, field, 'abc')).toBe(expected);
  });

  it('has one space where it was folded', () => {
    const header = 'Subject:\r\n one \r\n  two\n\tthree  four\r\nTo: x\r\n\r\n';
    expect(has(header, 'subject', 'one two three  four')).toBe(true);
    expect(has(header, 'subject', 'four\nto')).toBe(false);
  });

  it('is not quadratic in white space', () => {
    const header = `Subject: ${' \t'.repeat(500_000)}x\r\n \r\n\r\n`;
    expect(has(header, 'subject', 'x')).toBe(true);
  });

  it('reads what is in a charset that nobody knows as if it had none', () => {
    expect(has('Subject: =?x-unknown?q?gr=C3=BCn?=\r\n\r\n', 'subject', 'grün')).toBe(true);
  });

  it('exists, for the empty text', () => {
    expect(has('X: y\r\nSubject:\r\n\r\n', 'subject', '')).toBe(true);
    expect(has('X: Subject:\r\n\r\n', 'subject', '')).toBe(false);
  });

  it.each([
    ['utf-8', 'Größe'],
    ['iso-8859-1', 'Größe'],
    ['windows-1251', 'Привет'],
    ['koi8-r', 'Привет'],
    ['shift_jis', 'こんにちは'],
    ['euc-kr', '안녕하세요'],
    ['gb2312', '你好'],
    ['big5', '妳好'],
    ['iso-8859-7', 'Καλημέρα'],
    ['utf-7', 'Größe'],
  ])('is decoded from %s', (charset, text) => {
    expect(has(`Subject: x ${word(charset, text)}\r\n\r\n`, 'subject', text.toUpperCase())).toBe(true);
    expect(has(`Subject: x ${word(charset, text)}\r\n\r\n`, 'subject', `${text}!`)).toBe(false);
  });

  it('is decoded from ISO-2022-JP', () => {
    const encoded = Buffer.from('\x1b$B$3$s$K$A$O\x1b(B', 'latin1').toString('base64');
    expect(has(`Subject: =?ISO-2022-JP?B?${encoded}?=\r\n\r\n`, 'subject', 'んにち')).toBe(true);
  });

  it('reads 8-bit octets as UTF-8, else as windows-1252', () => {
    expect(has('Subject: Grüße\r\n\r\n', 'subject', 'grüsse')).toBe(true);
    expect(has(Buffer.from('Subject: Gr\xfc\xdfe \x80\r\n\r\n', 'latin1'), 'subject', 'grüße €')).toBe(true);
  });

  it('is compared decomposed', () => {
    const header = 'Subject: Caf\u00e9 \ufb01n ößσ\r\n\r\n';
    for (const text of ['cafe', 'CAFE\u0301', 'caf\u00c9', 'FIN', 'ÖẞΣ', 'össς'])
      expect(has(header, 'subject', text)).toBe(true);
    expect(has('Subject: cafe\r\n\r\n', 'subject', 'café')).toBe(false);
    expect(has('Subject: 한국\r\n\r\n', 'subject', '하')).toBe(false);
    expect(has('Subject: 한국\r\n\r\n', 'subject', '국'.normalize('NFD'))).toBe(true);
  });

  it('is found where a plain reading finds it', () => {
    const name = fc.constantFrom('a', 'ab', 'aba', 'abab', 'to', 'TO', 'tot');
    const value = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', ':', 'é'), maxLength: 6 });
    const end = fc.constantFrom('\r\n', '\n', 'y\r\n ', 'y\n ');
    const field = fc.tuple(name, fc.constantFrom('', ' '), value, end).map(([n, s, v, e]) => `${n}${s}: ${v}${e}x\r\n`);
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 6 }),
        name,
        fc.constantFrom('', 'a', 'ab', 'é', 'b a'),
        (fields, n, text) => {
          const header = Buffer.from(`${fields.join('')}\r\n`);
          const plain = findFields(header, n).some(({ value: found }) =>
            fold(Buffer.from(found, 'latin1').toString()).includes(fold(text)),
          );
          expect(new FieldMatcher(n, text).matches(header)).toBe(plain);
        },
      ),
    );
  });
});
