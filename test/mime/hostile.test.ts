import { describe, expect, it } from 'vitest';
import { encodeBodyStructure } from '../../src/mime/encode-body-structure.ts';
import { encodeEnvelope } from '../../src/mime/encode-envelope.ts';
import type { Part } from '../../src/mime/structure.ts';
import { type ParserOptions, parseStructure, StructureParser } from '../../src/mime/structure-parser.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** The structure, and what it cost in steps. */
function measured(text: string, options: ParserOptions = {}) {
  const meter = { steps: 0 };
  const structure = parseStructure(latin1(text), { ...options, meter });
  return { structure, steps: meter.steps };
}

function count(part: Part): number {
  return part.children.reduce((sum, child) => sum + count(child), 1);
}

/** Twice the input may cost little more than twice the steps. */
function expectLinear(make: (size: number) => string, size: number): void {
  const [once, twice] = [measured(make(size)).steps, measured(make(2 * size)).steps];
  expect(twice).toBeLessThan(2.2 * once + 1000);
}

const nestedMultiparts = (depth: number) =>
  Array.from(
    { length: depth },
    (_, at) => `Content-Type: multipart/mixed; boundary=b${1000 + at}\n\n--b${1000 + at}\n`,
  ).join('');

describe('hostile messages', () => {
  it('are opaque where they are nested too deep', () => {
    for (const text of [nestedMultiparts(1000), 'Content-Type: message/rfc822\n\n'.repeat(1000)]) {
      const { structure } = measured(text);
      expect(structure.cut).toContain('depth');
      expect(count(structure.root)).toBe(101);
      expect(encodeBodyStructure(structure).toString('latin1')).toContain('"application" "octet-stream"');
    }
    expectLinear(nestedMultiparts, 1000);
  });

  it('look for no more boundaries than there are lengths of them', () => {
    const make = (lines: number) => nestedMultiparts(100) + '--x\n'.repeat(lines);
    // A hundred boundaries of one length: a step for that, and one for the line.
    expect(measured(make(10_000)).steps).toBeLessThan(2 * 10_000 + 5000);
    expectLinear(make, 10_000);
  });

  it('have parts up to a number', () => {
    const { structure } = measured(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\n'.repeat(50_000)}`);
    expect(structure.cut).toEqual(['parts']);
    expect(count(structure.root)).toBe(10_000);
  });

  it('have a header of 10 MB, in many fields or in one', () => {
    const fields = 'X-Field: some value that nobody asked for\r\n'.repeat(240_000);
    expect(measured(`${fields}Subject: found\r\n\r\n`).structure.root.envelope?.subject).toBe('found');
    const { structure } = measured(`Subject: ${'x'.repeat(10_000_000)}\r\nDate: found\r\n\r\nbody`);
    expect(structure.cut).toEqual(['field']);
    expect(structure.root.envelope?.subject?.length).toBeLessThan(1024 * 1024);
    expect(structure.root.envelope?.date).toBe('found');
    expect(structure.root.body.start).toBe(structure.size - 4);
  });

  it('keep only so much of all fields together, however they arrive', () => {
    const message = latin1(`${`Content-Id: ${'x'.repeat(90)}\r\n`.repeat(2000)}Subject: last\r\n\r\n`);
    const options = { limits: { fields: 10_000, field: 1000 } };
    const whole = parseStructure(message, options);
    expect(whole.cut).toEqual(['fields']);
    const parser = new StructureParser(options);
    for (let at = 0; at < message.length; at += 7) parser.push(message.subarray(at, at + 7));
    expect(parser.finish()).toEqual(whole);
  });

  it('keep no millions of empty fields', () => {
    const { structure } = measured(`Date: kept\n${'To:\n'.repeat(500_000)}Subject: too late\n\n`);
    expect(structure.cut).toEqual(['fields']);
    expect(structure.root.envelope).toMatchObject({ date: 'kept', subject: undefined });
  });

  it('have 100,000 addresses, of which enough are told', () => {
    const make = (addresses: number) => `To: ${'a@example.org,\r\n '.repeat(addresses)}z@example.org\r\n\r\n`;
    const { structure } = measured(make(100_000));
    expect(structure.root.envelope?.to).toHaveLength(20_000);
    expect(structure.cut).toContain('addresses');
    expectLinear(make, 5000);
    const envelope = structure.root.envelope;
    expect(envelope && encodeEnvelope(envelope).length).toBeLessThan(20_000 * 40);
  });

  it.each<[string, (size: number) => string]>([
    ['open parentheses', size => `To: ${'('.repeat(size)}\r\n\r\n`],
    ['open quotes', size => `To: ${'"a" '.repeat(size)}\r\n\r\n`],
    ['open angles', size => `To: ${'<'.repeat(size)}\r\n\r\n`],
    ['groups in groups', size => `To: ${'a:'.repeat(size)}\r\n\r\n`],
    ['routes', size => `To: <${'@a,'.repeat(size)}:b@c>\r\n\r\n`],
    ['words', size => `To: ${'a '.repeat(size)}\r\n\r\n`],
    ['dots', size => `To: ${'a . '.repeat(size)}\r\n\r\n`],
    ['words, then commas', size => `To: ${'a b c, '.repeat(size)}\r\n\r\n`],
    ['backslashes', size => `To: "${'\\\\'.repeat(size)}\r\n\r\n`],
    ['parameters', size => `Content-Type: a/b${';x=y'.repeat(size)}\r\n\r\n`],
    ['semicolons', size => `Content-Type: a/b${';'.repeat(size)}\r\n\r\n`],
    [
      'continuations',
      size => `Content-Type: a/b${Array.from({ length: size }, (_, at) => `;x*${at}=y`).join('')}\r\n\r\n`,
    ],
    ['continuations without a start', size => `Content-Type: a/b${';x*9=y'.repeat(size)}\r\n\r\n`],
    ['languages', size => `Content-Language: ${'en,'.repeat(size)}\r\n\r\n`],
    ['folds', size => `Subject: a${'\r\n '.repeat(size)}\r\n\r\n`],
    ['repeated fields', size => `${'To: a@b\r\n'.repeat(size)}\r\n`],
    ['repeated broken dispositions', size => `${'Content-Disposition: (\r\n'.repeat(size)}\r\n`],
  ])('cost what they weigh: %s', (_, make) => {
    expectLinear(make, 3000);
    expect(() => encodeBodyStructure(parseStructure(latin1(make(20_000))))).not.toThrow();
  });

  it('have parameters up to a number', () => {
    const { structure } = measured(
      `Content-Type: a/b${Array.from({ length: 5000 }, (_, at) => `;x*${at}=y`).join('')}\n\n`,
    );
    expect(structure.cut).toEqual(['parameters']);
    expect(structure.root.content.parameters).toEqual([{ name: 'x', value: 'y'.repeat(1000) }]);
  });
});
