import { describe, expect, it } from 'vitest';
import { decodeCharset, openDecoder } from '../../../src/store/search/charset.ts';
import fc from '../../support/fast-check.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

function inPieces(charset: string, octets: Buffer, size: number): string {
  const decoder = openDecoder(charset);
  const out: string[] = [];
  for (let at = 0; at < octets.length; at += size) out.push(decoder.write(octets.subarray(at, at + size)));
  return out.join('') + decoder.end();
}

describe('octets in a charset', () => {
  it.each([
    ['UTF-8', latin1('caf\xc3\xa9'), 'café'],
    ['utf8', latin1('caf\xc3\xa9'), 'café'],
    ['unicode-1-1-utf-8', latin1('caf\xc3\xa9'), 'café'],
    ['ISO_8859-1', latin1('caf\xe9'), 'café'],
    ['latin1', latin1('caf\xe9'), 'café'],
    [' Windows-1252 ', latin1('\x80'), '€'],
    ['cp1252', latin1('\x80'), '€'],
    ['koi8-r', latin1('\xf0\xd2'), 'Пр'],
    ['ks_c_5601-1987', latin1('\xb0\xa1'), '가'],
    ['x-sjis', latin1('\x82\xa0'), 'あ'],
    ['ISO-2022-JP', latin1('\x1b$B$"\x1b(B'), 'あ'],
    ['csISO2022JP', latin1('\x1b$B$"\x1b(B'), 'あ'],
    ['iso-8859-8-i', latin1('\xf9'), 'ש'],
    ['x-mac-roman', latin1('\x8e'), 'é'],
    ['utf-7', latin1('+AOk-'), 'é'],
    ['us-ascii', latin1('caf\xe9'), 'café'],
    ['us-ascii', latin1('caf\xc3\xa9'), 'café'],
    ['unknown-8bit', latin1('\x80'), '€'],
    ['', latin1('x'), 'x'],
    ['gb18030', latin1('\xc4\xe3\xff'), '你\ufffd'],
  ])('%s', (charset, octets, text) => {
    expect(decodeCharset(charset, octets)).toBe(text);
    expect(inPieces(charset, octets, octets.length)).toBe(text);
  });

  it('are not read in what is no charset, or in none that is known', () => {
    for (const name of [
      'x-nobody-knows',
      'base64',
      'Base-64',
      'hex',
      'internal',
      '__proto__',
      'constructor',
      'replacement',
    ]) {
      expect([name, decodeCharset(name, latin1('YWJj'))]).toEqual([name, undefined]);
    }
  });

  it('say the same in pieces', () => {
    const charset = fc.constantFrom(
      'utf-8',
      'us-ascii',
      'windows-1252',
      'shift_jis',
      'gb18030',
      'iso-2022-jp',
      'utf-16le',
    );
    fc.assert(
      fc.property(
        charset,
        fc.string({ unit: 'grapheme', maxLength: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (name, text, size) => {
          const octets = Buffer.from(text);
          // A guess may change on the way: only what is UTF-8 throughout is the same.
          expect(inPieces(name, octets, size)).toBe(decodeCharset(name, octets));
        },
      ),
    );
  });

  it('are windows-1252 from the piece on that cannot be UTF-8', () => {
    expect(inPieces('us-ascii', latin1('caf\xc3\xa9 caf\xe9 \x80'), 5)).toBe('café café €');
    expect(inPieces('us-ascii', latin1('caf\xc3'), 2)).toBe('cafÃ');
  });
});
