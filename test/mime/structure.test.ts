import { describe, expect, it } from 'vitest';
import { encodeBodyStructure } from '../../src/mime/encode-body-structure.ts';
import { encodeEnvelope } from '../../src/mime/encode-envelope.ts';
import { clip, locate, partAt, rangesSize } from '../../src/mime/section.ts';
import type { Part, Structure } from '../../src/mime/structure.ts';
import { parseStream, parseStructure, StructureParser } from '../../src/mime/structure-parser.ts';
import fc from '../support/fast-check.ts';
import { madeUpMessage } from './corpus.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const parse = (text: string) => parseStructure(latin1(text));
const bodyOf = (text: string, path: readonly number[]) => {
  const part = partAt(parse(text).root, path);
  return part && text.slice(part.body.start, part.body.end);
};
const multipart = (boundary: string, body: string) =>
  `Content-Type: multipart/mixed; boundary="${boundary}"\n\n${body}`;

/** Lines as hostile senders put them together. */
const line = fc.constantFrom(
  '--a',
  '--a--',
  '--ab',
  '--a ',
  '--',
  '',
  'text',
  'Content-Type: multipart/mixed; boundary=a',
  'Content-Type: multipart/digest; boundary=ab',
  'content-type:message/rfc822',
  'Content-Type: text/html',
  ' folded',
  'From: "a',
  'To: a@b, c <d@e>; f:g;',
  'Content-Disposition: attachment; x*0*=a; x*2=b',
  'MIME-Version: 1.0',
  '\0\xff\r',
);
const madeOfLines = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '')), { maxLength: 40 })
  .map(lines => latin1(lines.flat().join('')));
const message = fc.oneof(
  madeOfLines,
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  fc.tuple(fc.nat(100_000), fc.nat(10)).map(([seed, oddity]) => madeUpMessage(seed, oddity)),
);

describe('any message at all', () => {
  it('has the same structure however it is split', () => {
    fc.assert(
      fc.property(message, fc.array(fc.nat(90), { minLength: 1, maxLength: 8 }), (bytes, lengths) => {
        const whole = parseStructure(bytes);
        for (const pieces of [lengths.map(length => length + 1), [1]]) {
          const parser = new StructureParser();
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const length = pieces[turn % pieces.length] ?? 1;
            parser.push(bytes.subarray(at, at + length));
            at += length;
          }
          expect(parser.finish()).toEqual(whole);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has parts that lie in it and in each other, in order, and counts their lines', () => {
    fc.assert(
      fc.property(message, bytes => {
        const { size, root } = parseStructure(bytes);
        expect([size, root.header.start, root.body.end]).toEqual([bytes.length, 0, bytes.length]);
        const check = (part: Part) => {
          for (const { start, end, lines, bareLineFeeds } of [part.header, part.body]) {
            const text = bytes.toString('latin1', start, end);
            expect([lines, bareLineFeeds]).toEqual([text.split('\n').length - 1, text.split(/(?<!\r)\n/).length - 1]);
          }
          expect(part.header.start).toBeLessThanOrEqual(part.header.end);
          expect(part.header.end).toBe(part.body.start);
          expect(part.body.start).toBeLessThanOrEqual(part.body.end);
          let before = part.body.start;
          for (const child of part.children) {
            expect(child.header.start).toBeGreaterThanOrEqual(before);
            expect(child.body.end).toBeLessThanOrEqual(part.body.end);
            before = child.body.end;
            check(child);
          }
        };
        check(root);
      }),
      { numRuns: 300 },
    );
  });

  it('can be told to a client: balanced, one line but for literals', () => {
    fc.assert(
      fc.property(message, bytes => {
        const structure = parseStructure(bytes);
        expectWellFormed(encodeBodyStructure(structure));
        expectWellFormed(encodeBodyStructure(structure, { extended: false, lineEnds: 'crlf' }));
        expectWellFormed(envelopeOf(structure));
      }),
      { numRuns: 300 },
    );
  });
});

describe('boundaries', () => {
  it.each<[string, string, readonly number[], string | undefined]>([
    ['the line end before belongs to the delimiter', multipart('b', '--b\n\none\n--b--\n'), [1], 'one'],
    ['so does CRLF', multipart('b', '--b\r\n\r\none\r\n--b--\r\n'), [1], 'one'],
    ['space after it is ignored', multipart('b', '--b  \t\n\none\n--b-- \n'), [1], 'one'],
    ['what follows does not matter (RFC 2046 §5.1.1)', multipart('b', '--bx\n\none\n--b--\n'), [1], 'one'],
    ['a missing end ends with the message', multipart('b', '--b\n\none\n'), [1], 'one\n'],
    ['an end is an end', multipart('b', '--b\n\none\n--b--\n--b\n\ntwo\n'), [2], undefined],
    ['a preamble is no part', multipart('b', 'pre\n--b\n\none\n--b--\n'), [1], 'one'],
    ['an empty line before it is its own', multipart('b', '--b\nX: y\n\n--b\n\ntwo\n--b--\n'), [1], ''],
    [
      'equal ones: the innermost counts',
      multipart('b', `--b\n${multipart('b', '--b\n\none\n--b--\n')}--b\n\ntwo\n--b--\n`),
      [2],
      'two',
    ],
    [
      'of prefixes the longest counts',
      multipart('b', `--b\n${multipart('bb', '--bb\n\none\n--bb--\n')}--b\n\ntwo\n--b--\n`),
      [2],
      'two',
    ],
    [
      'an outer one ends the inner',
      multipart('o', `--o\n${multipart('i', '--i\n\none\n')}--o\n\ntwo\n--o--\n`),
      [1, 1],
      'one',
    ],
  ])('%s', (_, text, path, body) => expect(bodyOf(text, path)).toBe(body));
});

it('leaves a message that is not there in its place, where a delimiter takes the empty line', () => {
  const { root } = parse(multipart('b', '--b\nContent-Type: message/rfc822\n\n--b--\n'));
  const part = root.children[0];
  const message = part?.children[0];
  const at = { start: part?.header.end, end: part?.header.end, lines: 0, bareLineFeeds: 0 };
  expect(part?.header).toMatchObject({ lines: 1, bareLineFeeds: 1 });
  expect([part?.body, message?.header, message?.body]).toEqual([at, at, at]);
});

describe('sections', () => {
  const nested = `Subject: outer\n${multipart('b', '--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--b\n\ntwo\n--b--\n')}`;
  const bytesOf = (path: readonly number[], kind: 'all' | 'header' | 'text' | 'mime') => {
    const located = locate(parse(nested), { path, want: { kind } });
    return located?.ranges.map(({ start, end }) => nested.slice(start, end)).join('');
  };

  it('are found by their numbers', () => {
    expect(bytesOf([], 'all')).toBe(nested);
    expect(bytesOf([], 'mime')).toBeUndefined();
    expect(bytesOf([1], 'mime')).toBe('Content-Type: message/rfc822\n\n');
    expect(bytesOf([1], 'header')).toBe('Subject: inner\n\n');
    expect(bytesOf([1], 'text')).toBe('text');
    expect(bytesOf([1, 1], 'all')).toBe('text');
    expect(bytesOf([2], 'all')).toBe('two');
    expect(bytesOf([2], 'header')).toBeUndefined();
    expect(bytesOf([2, 1], 'all')).toBeUndefined();
    expect(bytesOf([3], 'all')).toBeUndefined();
    expect(bytesOf([0], 'all')).toBeUndefined();
  });

  it('are cut as the bytes they are', () => {
    const ranges = [
      { start: 10, end: 15 },
      { start: 20, end: 25 },
    ];
    fc.assert(
      fc.property(fc.nat(15), fc.nat(15), (offset, length) => {
        const bytes = [10, 11, 12, 13, 14, 20, 21, 22, 23, 24].slice(offset, offset + length);
        const clipped = clip(ranges, offset, length);
        expect(clipped.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at))).toEqual(
          bytes,
        );
        expect(rangesSize(clipped)).toBe(bytes.length);
      }),
    );
  });

  it('come from a stream as well', async () => {
    async function* chunks() {
      for (const byte of latin1(nested)) yield Uint8Array.of(byte);
    }
    expect(await parseStream(chunks())).toEqual(parse(nested));
  });
});

function envelopeOf({ root }: Structure): Buffer {
  if (!root.envelope) throw new Error('a message has an envelope');
  return encodeEnvelope(root.envelope);
}

/** Reads it as a client would, and finds its end where it ends. */
function expectWellFormed(bytes: Buffer): void {
  const token = /[()]| |NIL|\d+|"(?:[^"\\\r\n\0\x80-\xff]|\\["\\])*"|\{(\d+)\}\r\n/y;
  const text = bytes.toString('latin1');
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (!found) throw new Error(`not IMAP at ${at}: ${JSON.stringify(text.slice(at - 20, at + 40))}`);
    at = token.lastIndex + Number(found[1] ?? 0);
    if (found[1]) expect(text.slice(token.lastIndex, at)).not.toContain('\0');
    if (found[0] === '(') depth += 1;
    if (found[0] === ')') depth -= 1;
    expect(at).toBeLessThanOrEqual(text.length);
    if (depth === 0) expect(at).toBe(text.length);
  }
  expect(depth).toBe(0);
}
