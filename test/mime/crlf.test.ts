import { describe, expect, it } from 'vitest';
import { CrlfNormaliser } from '../../src/mime/crlf.ts';
import fc from '../support/fast-check.ts';

function normalised(chunks: readonly Uint8Array[]): { readonly text: string; readonly added: number } {
  const normaliser = new CrlfNormaliser();
  const out = chunks.map(chunk => Buffer.from(normaliser.push(chunk)));
  return { text: Buffer.concat(out).toString('latin1'), added: normaliser.added };
}

/** Any text of these, cut anywhere. */
const cut = fc.array(fc.string({ unit: fc.constantFrom('\r', '\n', 'a', '\xff'), maxLength: 8 }), { maxLength: 8 });

describe('line ends', () => {
  it.each([
    ['', '', 0],
    ['a\r\nb\r\n', 'a\r\nb\r\n', 0],
    ['a\nb\n', 'a\r\nb\r\n', 2],
    ['\n\n', '\r\n\r\n', 2],
    ['a\rb\r', 'a\rb\r', 0],
    ['a\r\n\nb\n\r', 'a\r\n\r\nb\r\n\r', 2],
    ['\r\r\n', '\r\r\n', 0],
  ])('%j becomes %j', (given, text, added) => expect(normalised([Buffer.from(given)])).toEqual({ text, added }));

  it('come out the same however the text is cut', () => {
    fc.assert(
      fc.property(cut, pieces => {
        const text = pieces.join('');
        const expected = text.replace(/(?<!\r)\n/g, '\r\n');
        const out = normalised(pieces.map(piece => Buffer.from(piece, 'latin1')));
        expect(out).toEqual({ text: expected, added: expected.length - text.length });
      }),
    );
  });

  it('gives back the chunk itself where nothing is to be done', () => {
    const normaliser = new CrlfNormaliser();
    const chunks = ['ends in CR\r', '\nand so on\r\n'].map(text => Buffer.from(text));
    expect(chunks.map(chunk => normaliser.push(chunk) === chunk)).toEqual([true, true]);
  });
});
