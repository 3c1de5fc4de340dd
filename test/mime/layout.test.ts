import { describe, expect, it } from 'vitest';
import type { Section } from '../../src/mail/message.ts';
import { decodeLayout, encodeLayout, type LayoutPart } from '../../src/mime/layout.ts';
import { locate, partAt } from '../../src/mime/section.ts';
import type { Part } from '../../src/mime/structure.ts';
import { parseStructure } from '../../src/mime/structure-parser.ts';
import fc from '../support/fast-check.ts';
import { madeUpMessage } from './corpus.ts';

const parse = (text: string) => parseStructure(Buffer.from(text, 'latin1'));
const laidOut = (text: string) => decodeLayout(encodeLayout(parse(text)));

/** Every section that leads somewhere, and some that do not. */
function sectionsOf(part: Part, path: readonly number[]): Section[] {
  const wants = (['all', 'header', 'text', 'mime'] as const).map(kind => ({ path, want: { kind } }));
  const fields = { path, want: { kind: 'fields' as const, names: ['subject'], except: false } };
  const below = part.kind === 'message' && path.length > 0 ? (part.children[0]?.children ?? []) : part.children;
  return [...wants, fields, ...below.flatMap((child, index) => sectionsOf(child, [...path, index + 1]))];
}

describe('a layout', () => {
  it('finds every section where the structure does', () => {
    let found = 0;
    for (let seed = 0; seed < 300; seed += 1) {
      const structure = parseStructure(madeUpMessage(seed, seed % 30));
      const layout = decodeLayout(encodeLayout(structure));
      const sections = [...sectionsOf(structure.root, []), ...sectionsOf(structure.root, [1])];
      for (const section of sections) {
        const located = locate(structure, section);
        if (located) found += 1;
        expect(locate(layout, section)).toEqual(located);
      }
    }
    expect(found).toBeGreaterThan(3000);
  });

  it('knows type, charset and encoding, whatever their case', () => {
    const text = [
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      "Content-Type: Text/X-Odd; charset*=us-ascii'en'KOI8-R",
      'Content-Transfer-Encoding: Quoted-Printable',
      '',
      'a',
      '--b',
      'Content-Type: image/png; charset=utf-8',
      '',
      'a',
      '--b--',
    ].join('\r\n');
    const { root } = laidOut(text);
    const told = ({ kind, type, charset, encoding }: LayoutPart) => [kind, type, charset, encoding];
    expect(root.children.map(told)).toEqual([
      ['text', 'text/x-odd', 'koi8-r', 'quoted-printable'],
      ['other', 'image/png', undefined, undefined],
    ]);
    expect(told(root)).toEqual(['multipart', 'multipart/mixed', undefined, undefined]);
    expect(told(laidOut('Subject: no type\r\n\r\ntext').root)).toEqual(['text', undefined, undefined, undefined]);
  });

  it('is small, and cuts names that are long', () => {
    expect(encodeLayout(parse('Subject: a\r\n\r\nb')).length).toBeLessThan(12);
    const name = 'x'.repeat(5000);
    expect(laidOut(`MIME-Version: 1.0\r\nContent-Type: ${name}/y\r\n\r\n`).root.type).toBe(name.slice(0, 100));
  });

  it('of a message of 100 levels and 10,000 parts is read again', () => {
    const nested = 'Content-Type: message/rfc822\r\n\r\n'.repeat(200);
    expect(partAt(laidOut(nested).root, [1, 1, 1, 1])).toBeDefined();
    const wide = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(12_000)}`;
    const structure = parse(wide);
    const octets = encodeLayout(structure);
    expect(decodeLayout(octets).root.children).toHaveLength(structure.root.children.length);
    expect(octets.length / structure.root.children.length).toBeLessThan(12);
  });

  it('that is damaged is a RangeError or another layout, and nothing worse', () => {
    const good = encodeLayout(parseStructure(madeUpMessage(7, 0)));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(good.length), (at, octet, end) => {
        const bad = Buffer.from(good.subarray(0, end));
        bad[at] = octet;
        try {
          decodeLayout(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
    expect(() => decodeLayout(new Uint8Array())).toThrow(RangeError);
    expect(() => decodeLayout(Buffer.from([2, 0]))).toThrow(RangeError);
    const tower = Buffer.concat([Buffer.from([1]), ...Array(5000).fill(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 1]))]);
    expect(() => decodeLayout(tower)).toThrow(RangeError);
  });
});
