import { expect, it } from 'vitest';
import { FieldStream } from '../../src/mime/field-stream.ts';
import { selectFields } from '../../src/mime/header-block.ts';
import fc from '../support/fast-check.ts';

function streamed(chunks: readonly Buffer[], names: readonly string[], except: boolean): string {
  const stream = new FieldStream(names, except);
  return Buffer.concat([...chunks.flatMap(chunk => stream.push(chunk)), ...stream.finish()]).toString('latin1');
}

const piece = fc.constantFrom(
  'Subject',
  'subject',
  'To',
  ':',
  ' ',
  '\t',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  'a: b\r\n',
  ' folded\r\n',
  '\xff',
);

it('selects what selectFields does, however the header is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(piece, { maxLength: 5 }), { maxLength: 12 }),
      fc.subarray(['Subject', 'TO', 'a', '']),
      fc.boolean(),
      (cut, names, except) => {
        const chunks = cut.map(pieces => Buffer.from(pieces.join(''), 'latin1'));
        const expected = selectFields(Buffer.concat(chunks), names, except).toString('latin1');
        expect(streamed(chunks, names, except)).toBe(expected);
      },
    ),
    { numRuns: 2000 },
  );
});

it('holds little of a line without an end', () => {
  const chunks = Array<Buffer>(1000).fill(Buffer.alloc(1000, 'x'));
  expect(streamed([...chunks, Buffer.from('\r\nTo: a\r\n')], ['to'], false)).toBe('To: a\r\n\r\n');
  expect(streamed(chunks, ['to'], true)).toHaveLength(1_000_004);
});
