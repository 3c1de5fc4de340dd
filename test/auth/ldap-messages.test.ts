import { describe, expect, it } from 'vitest';
import { MalformedMessage, MessageFrames } from '../../src/auth/ldap/frames.ts';
import { parseResponse } from '../../src/auth/ldap/response.ts';
import fc from '../support/fast-check.ts';

/** BER by hand: a tag, and what is in it. */
function ber(tag: number, ...content: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(content.map(part => Buffer.from(part)));
  const length =
    body.length < 0x80 ? Buffer.from([body.length]) : Buffer.from([0x82, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}

const id = (value: number) => ber(2, Buffer.from([value]));
const result = (tag: number, code: number, text = '') => ber(tag, ber(10, Buffer.from([code])), ber(4), ber(4, text));
const attribute = (name: string, ...values: (Buffer | string)[]) =>
  ber(0x30, ber(4, name), ber(0x31, ...values.map(value => ber(4, value))));
const ENTRY = ber(
  0x30,
  id(7),
  ber(0x64, ber(4, 'uid=a,ou=x'), ber(0x30, attribute('mailHost', 'one', 'two'), attribute('empty'))),
);
const POLICY = ber(0x30, ber(4, '1.2.3'), ber(1, Buffer.from([0xff])), ber(4, 'value'));
const BOUND = ber(0x30, id(8), result(0x61, 49, 'data 52e'), ber(0xa0, POLICY, ber(0x30, ber(4, '1.2.4'))));

describe('messages of a server', () => {
  it('are entries with values by name in lower case', () => {
    const entry = parseResponse(ENTRY);
    expect(entry).toMatchObject({ kind: 'entry', id: 7, entry: { dn: 'uid=a,ou=x' } });
    const attributes = entry.kind === 'entry' ? [...entry.entry.attributes] : [];
    expect(attributes.map(([name, values]) => [name, values.map(String)])).toEqual([
      ['mailhost', ['one', 'two']],
      ['empty', []],
    ]);
  });

  it('are results with their controls', () => {
    const bound = parseResponse(BOUND);
    expect(bound).toMatchObject({ kind: 'result', id: 8, operation: 0x61, result: { code: 49, message: 'data 52e' } });
    expect(bound.kind === 'result' && [...bound.result.controls].map(([oid, value]) => [oid, String(value)])).toEqual([
      ['1.2.3', 'value'],
      ['1.2.4', ''],
    ]);
  });

  it('may be damaged in any way without being more than damaged', () => {
    const damage = fc.record({
      message: fc.constantFrom(ENTRY, BOUND),
      changes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
      cut: fc.nat(20),
    });
    fc.assert(
      fc.property(damage, ({ message, changes, cut }) => {
        const damaged = Buffer.from(message);
        for (const [at, byte] of changes) damaged[at % damaged.length] = byte;
        try {
          parseResponse(damaged.subarray(0, damaged.length - cut));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('end where they say: an inner length that lies is refused', () => {
    // Each of these keeps the reader of ldapts 9.2 in a loop that never ends and fills memory.
    const values = Buffer.concat([Buffer.from([0x30, 9]), ber(4, 'uid'), Buffer.from([0x31, 0x82, 0x7f, 0xff])]);
    const lies = [
      ber(0x30, id(7), ber(0x64, ber(4, 'uid=a'), ber(0x30, values))),
      ber(0x30, id(8), ber(0x61, ber(10, Buffer.from([0])), ber(4), ber(4), Buffer.from([0x87, 0x50, 1]))),
      ber(0x30, id(8), result(0x61, 0), Buffer.from([0xa0, 4, 4, 0x50, 1, 1])),
    ];
    expect(() => parseResponse(lies[0] ?? ENTRY)).toThrow(MalformedMessage);
    expect(parseResponse(lies[1] ?? ENTRY)).toMatchObject({ kind: 'result' });
    expect(() => parseResponse(lies[2] ?? ENTRY)).toThrow(MalformedMessage);
  });
});

describe('message frames', () => {
  const stream = Buffer.concat([ENTRY, BOUND, ENTRY, ber(0x30, id(1), result(0x65, 0, 'x'.repeat(3000)))]);

  const read = (chunks: readonly Buffer[]) => {
    const frames = new MessageFrames();
    const messages: Buffer[] = [];
    for (const chunk of chunks) {
      frames.push(chunk);
      for (let message = frames.next(); message; message = frames.next()) messages.push(Buffer.from(message));
    }
    return { messages, pending: frames.pending };
  };

  it('do not depend on how bytes are split', () => {
    const whole = read([stream]);
    expect(whole.messages).toHaveLength(4);
    expect(Buffer.concat(whole.messages)).toEqual(stream);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), cuts => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end));
        expect(read(chunks)).toEqual(whole);
      }),
    );
    expect(read([...stream].map(byte => Buffer.from([byte])))).toEqual(whole);
  });

  it('refuse a long message by its length, before it comes', () => {
    const frames = new MessageFrames(1000);
    frames.push(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]));
    expect(() => frames.next()).toThrow('2147483647 bytes is announced');
    const justRight = new MessageFrames(1000);
    justRight.push(Buffer.from([0x30, 0x82, 0x03, 0xe8]));
    expect(justRight.next()).toBeUndefined();
  });

  it.each([
    ['another tag', [0x16, 3, 1]],
    ['an indefinite length', [0x30, 0x80]],
    ['a length of nine bytes', [0x30, 0x89]],
  ])('refuse %s', (_, bytes) => {
    const frames = new MessageFrames();
    frames.push(Buffer.from(bytes));
    expect(() => frames.next()).toThrow(MalformedMessage);
  });
});
