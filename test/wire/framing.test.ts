import { describe, expect, it } from 'vitest';
import { type Frame, Framer } from '../../src/wire/framer.ts';
import { Input, type InputOptions, type Unit } from '../../src/wire/input.ts';
import fc from '../support/fast-check.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

/** Cuts bytes at the given places. */
function split(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map(cut => cut % (whole.length + 1)))].sort((a, b) => a - b);
  return [...places, whole.length].map((end, index) => whole.subarray(index === 0 ? 0 : places[index - 1], end));
}

/** What a framer makes of chunks, with adjoining literal pieces joined: how they are cut is the one thing that may differ. */
function frames(chunks: readonly Buffer[], line = 100): unknown[] {
  const framer = new Framer({ line });
  const found: Frame[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let frame = framer.next(); frame; frame = framer.next()) found.push(frame);
  }
  const joined: unknown[] = [];
  let literal: Buffer[] = [];
  for (const frame of found) {
    if (frame.kind !== 'literal') {
      joined.push(
        frame.kind === 'line'
          ? ['line', frame.bytes.toString('latin1'), frame.literal]
          : ['too-long', frame.start.toString('latin1'), frame.literal],
      );
      continue;
    }
    literal.push(frame.bytes);
    if (frame.last) {
      joined.push(['literal', Buffer.concat(literal).toString('latin1')]);
      literal = [];
    }
  }
  joined.push(['rest', Buffer.concat([...literal, ...framer.takeRest()]).toString('latin1')]);
  return joined;
}

/** Streams that look like IMAP more often than not. */
const stream = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\r\n',
        '\n',
        '\r',
        ' ',
        '"',
        '{3}\r\n',
        '{3+}\r\nabc',
        '~{2+}\r\n\0\0',
        '{0+}\r\n',
        '{4+}\r\nab',
        '}',
        'a LOGIN ',
      ),
      fc.string({ maxLength: 12 }),
    ),
    { maxLength: 40 },
  )
  .map(parts => bytes(parts.join('')));

describe('Framer', () => {
  it('finds the same frames however the bytes are split', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), (whole, cuts) => {
        expect(frames(split(whole, cuts), 30)).toEqual(frames([whole], 30));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds the same frames byte by byte', () => {
    fc.assert(
      fc.property(stream, whole => {
        expect(frames([...whole].map(byte => Buffer.from([byte])))).toEqual(frames([whole]));
      }),
      { numRuns: 500 },
    );
  });

  it('takes lines with CRLF and with LF, and leaves what is unfinished', () => {
    expect(frames([bytes('a NOOP\r\nb NOOP\nc NO')])).toEqual([
      ['line', 'a NOOP', undefined],
      ['line', 'b NOOP', undefined],
      ['rest', 'c NO'],
    ]);
  });

  it('announces every form of literal', () => {
    const heads = frames([bytes('a {2}\r\nxya {2+}\r\nxy\r\na ~{1}\r\nx')]).filter(
      frame => Array.isArray(frame) && frame[0] === 'line',
    );
    expect(heads).toEqual([
      ['line', 'a {2}', { size: 2, synchronising: true, binary: false }],
      ['line', 'a {2+}', { size: 2, synchronising: false, binary: false }],
      ['line', '', undefined],
      ['line', 'a ~{1}', { size: 1, synchronising: true, binary: true }],
    ]);
  });

  it('keeps no more of an over-long line than its start', () => {
    const framer = new Framer({ line: 1000 });
    framer.push(bytes('tag '));
    for (let sent = 0; sent < 100; sent += 1) {
      framer.push(Buffer.alloc(10_000, 'x'));
      expect(framer.next()).toBeUndefined();
      expect(Buffer.concat(framer.takeRest()).length).toBe(0);
    }
    framer.push(bytes(' {7+}\r\n'));
    expect(framer.next()).toMatchObject({ kind: 'line-too-long', literal: { size: 7, synchronising: false } });
  });

  it('takes no literal from free text', () => {
    const framer = new Framer({ line: 100, isText: line => line.includes(' OK ') });
    framer.push(bytes('* OK see {5}\r\n* X {1}\r\ny'));
    expect(framer.next()).toMatchObject({ literal: undefined });
    expect(framer.next()).toMatchObject({ literal: { size: 1 } });
  });
});

function inputOver(chunks: readonly Buffer[], options: Partial<InputOptions> = {}) {
  const waiting = [...chunks];
  let continuations = 0;
  const input = new Input(
    { read: async () => waiting.shift() },
    {
      line: 100,
      decide: (_segments, { size }) => (size <= 20 ? 'buffer' : 'refuse'),
      goAhead: async () => {
        continuations += 1;
      },
      ...options,
    },
  );
  return { input, continuations: () => continuations };
}

const text = (unit: Unit) => ('segments' in unit ? unit.segments.map(segment => segment.toString('latin1')) : unit);

describe('Input', () => {
  it('collects a command with its literals, asking for those that wait', async () => {
    const { input, continuations } = inputOver([bytes('a LOGIN {5}\r\nalice {6+}\r\nsecret\r\nb NOOP\r\n')]);
    expect(text(await input.next())).toEqual(['a LOGIN {5}', 'alice', ' {6+}', 'secret', '']);
    expect(continuations()).toBe(1);
    expect(text(await input.next())).toEqual(['b NOOP']);
    expect(await input.next()).toEqual({ kind: 'end', unfinished: false });
  });

  it('gives the same units however the bytes are split', async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.array(fc.nat(), { maxLength: 20 }), async (whole, cuts) => {
        const all = async (chunks: Buffer[]) => {
          const { input } = inputOver(chunks);
          const units: unknown[] = [];
          for (let unit = await input.next(); ; unit = await input.next()) {
            units.push(text(unit));
            if (unit.kind === 'end') return units;
          }
        };
        expect(await all(split(whole, cuts))).toEqual(await all([whole]));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a synchronising literal without waiting for it', async () => {
    const { input, continuations } = inputOver([bytes('a LOGIN {1000000000}\r\nb NOOP\r\n')]);
    expect(await input.next()).toMatchObject({ kind: 'refused', reason: 'literal-too-big', pending: 0 });
    expect(text(await input.next())).toEqual(['b NOOP']);
    expect(continuations()).toBe(0);
  });

  it('skips a refused non-synchronising literal and the rest of its command', async () => {
    const { input } = inputOver([
      bytes('a LOGIN {30+}\r\n'),
      Buffer.alloc(30, 'b'),
      bytes(' {3+}\r\nxyz more\r\nb NOOP\r\n'),
    ]);
    expect(await input.next()).toMatchObject({ kind: 'refused', reason: 'literal-too-big', pending: 30 });
    expect(text(await input.next())).toEqual(['b NOOP']);
  });

  it('refuses lines that are long together', async () => {
    const long = 'x'.repeat(60);
    const { input } = inputOver([bytes(`a ${long} {1+}\r\ny ${long}\r\nb NOOP\r\n`)]);
    expect(await input.next()).toMatchObject({ kind: 'refused', reason: 'line-too-long' });
    expect(text(await input.next())).toEqual(['b NOOP']);
  });

  it('streams a literal, asking for it at the first pull and holding none of it', async () => {
    const { input, continuations } = inputOver(
      [bytes('a APPEND x {6}\r\nab'), bytes('cdef'), bytes(' tail\r\nb NOOP\r\n')],
      { decide: () => 'stream' },
    );
    const unit = await input.next();
    if (unit.kind !== 'partial') throw new Error(`got ${unit.kind}`);
    expect(unit.literal.size).toBe(6);
    expect(continuations()).toBe(0);
    const got: string[] = [];
    for await (const piece of unit.literal) got.push(piece.toString());
    expect(got).toEqual(['ab', 'cdef']);
    expect(continuations()).toBe(1);
    expect(text(await input.resume())).toEqual([' tail']);
    expect(text(await input.next())).toEqual(['b NOOP']);
  });

  it('skips a streamed literal that nobody reads', async () => {
    const { input } = inputOver([bytes('a APPEND x {6+}\r\nabcdef tail\r\nb NOOP\r\n')], { decide: () => 'stream' });
    expect((await input.next()).kind).toBe('partial');
    expect(text(await input.next())).toEqual(['b NOOP']);
  });

  it('expects nothing of a waiting literal that nobody asked for', async () => {
    const { input } = inputOver([bytes('a APPEND x {6}\r\nb NOOP\r\n')], { decide: () => 'stream' });
    expect((await input.next()).kind).toBe('partial');
    expect(text(await input.next())).toEqual(['b NOOP']);
  });

  it('tells an end inside a command from one between commands', async () => {
    expect(await inputOver([bytes('a LOG')]).input.next()).toEqual({ kind: 'end', unfinished: false });
    expect(await inputOver([bytes('a LOGIN {3+}\r\nx')]).input.next()).toEqual({ kind: 'end', unfinished: true });
  });
});
