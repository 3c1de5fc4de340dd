import { describe, expect, it } from 'vitest';
import { openTransferDecoder } from '../../src/mime/transfer-decoder.ts';
import fc from '../support/fast-check.ts';

function decoded(encoding: string | undefined, text: string, pieces = 1): string {
  const octets = Buffer.from(text, 'latin1');
  const decoder = openTransferDecoder(encoding);
  const size = Math.max(1, Math.ceil(octets.length / pieces));
  const out: Buffer[] = [];
  for (let at = 0; at < octets.length; at += size) out.push(Buffer.from(decoder.write(octets.subarray(at, at + size))));
  out.push(Buffer.from(decoder.end()));
  return Buffer.concat(out).toString('latin1');
}

describe('base64', () => {
  it.each([
    ['aGVsbG8gd29ybGQ=', 'hello world'],
    ['aGVs\r\nbG8g\r\nd29ybGQ', 'hello world'],
    ['a G!V*s-bG_8g', 'hello '],
    ['aGVsbG8=aGVsbG8=', 'hellohello'],
    ['aA==\r\naA==', 'hh'],
    ['a', ''],
    ['====', ''],
    ['', ''],
    ['\xff\0', ''],
  ])('%j', (text, expected) => {
    for (let pieces = 1; pieces <= text.length + 1; pieces += 1) expect(decoded('base64', text, pieces)).toBe(expected);
  });

  it('reads what Node writes, however it is cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (octets, pieces) => {
        const text = Buffer.from(octets).toString('base64').replace(/.{76}/g, '$&\r\n');
        expect(decoded('base64', text, pieces)).toBe(Buffer.from(octets).toString('latin1'));
      }),
    );
  });
});

describe('quoted-printable', () => {
  it.each([
    ['plain', 'plain'],
    ['caf=C3=a9', 'caf\xc3\xa9'],
    ['soft=\r\nbreak', 'softbreak'],
    ['soft=\nbreak', 'softbreak'],
    ['soft= \t \r\nbreak', 'softbreak'],
    [`soft=${' '.repeat(200)}\r\nbreak`, `soft=${' '.repeat(200)}\r\nbreak`],
    ['hard\r\nbreak', 'hard\r\nbreak'],
    ['=zz =4 =4z ==41=', '=zz =4 =4z =A='],
    ['end=4', 'end=4'],
    ['end= ', 'end= '],
    ['end=\r', 'end=\r'],
    ['=\r=41', '=\rA'],
    ['=0A=0D=3D', '\n\r='],
  ])('%j', (text, expected) => {
    for (let pieces = 1; pieces <= text.length + 1; pieces += 1)
      expect(decoded('quoted-printable', text, pieces)).toBe(expected);
  });

  it('does not hold what never ends', () => {
    const decoder = openTransferDecoder('quoted-printable');
    let length = decoder.write(Buffer.from('=')).length;
    for (let piece = 0; piece < 1000; piece += 1) length += decoder.write(Buffer.from('    ')).length;
    expect(length).toBeGreaterThan(3900);
  });
});

it('leaves what has no encoding that is known', () => {
  for (const encoding of [undefined, '7bit', '8bit', 'binary', 'x-uuencode'])
    expect(decoded(encoding, 'a=41\xff\0')).toBe('a=41\xff\0');
});
