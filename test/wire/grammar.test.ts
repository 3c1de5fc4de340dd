import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/wire/base64.ts';
import { Encoder, type LiteralMode } from '../../src/wire/encoder.ts';
import { Framer } from '../../src/wire/framer.ts';
import { Malformed } from '../../src/wire/malformed.ts';
import { decodeMutf7, encodeMutf7 } from '../../src/wire/mutf7.ts';
import { Scanner } from '../../src/wire/scanner.ts';
import fc from '../support/fast-check.ts';

const scan = (text: string, nesting?: number) => new Scanner([Buffer.from(text, 'latin1')], nesting);

/** The segments of one command, as the other side collects them. */
function collect(parts: readonly Buffer[]): Buffer[] {
  const framer = new Framer({ line: 1_000_000 });
  for (const part of parts) framer.push(part);
  const segments: Buffer[] = [];
  let literal: Buffer[] = [];
  for (let frame = framer.next(); frame; frame = framer.next()) {
    if (frame.kind === 'line') segments.push(frame.bytes);
    else if (frame.kind === 'literal') {
      literal.push(frame.bytes);
      if (frame.last) segments.push(Buffer.concat(literal));
      if (frame.last) literal = [];
    }
  }
  return segments;
}

const modes: readonly LiteralMode[] = ['at-once', 'plus', 'minus', 'synchronising'];
const anyText = fc
  .oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', 'NIL', 'a b', '"\\"', '{3}', '()', 'a\r\nb', 'ü', ']', 'x'.repeat(3000)),
  )
  .filter(value => value.isWellFormed() && !value.includes('\0'));

describe('Encoder and Scanner', () => {
  it.each(modes)('bring every string across, literals %s', literals => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 6 }), fc.boolean(), (values, utf8) => {
        const encoder = new Encoder({ literals, utf8 });
        const parts = encoder
          .list(values, (out, value) => out.astring(value))
          .space()
          .finish();
        const scanner = new Scanner(collect(parts));
        expect(scanner.list(() => scanner.astring())).toEqual(values);
        scanner.space();
        scanner.end();
      }),
      { numRuns: 1000 },
    );
  });

  it('waits before a literal exactly where the peer must agree first', () => {
    const parts = (literals: LiteralMode, size: number) =>
      new Encoder({ literals }).literal(Buffer.alloc(size, 'x')).finish().length;
    expect([
      parts('synchronising', 10),
      parts('plus', 10_000),
      parts('minus', 4096),
      parts('minus', 4097),
      parts('at-once', 10),
    ]).toEqual([2, 1, 1, 2, 1]);
  });

  it('tells NIL from the string "NIL"', () => {
    const wire = Buffer.concat(new Encoder().nstring(undefined).space().nstring('NIL').finish()).toString();
    expect(wire).toBe('NIL "NIL"\r\n');
    const scanner = scan('NIL "NIL"');
    expect(scanner.nstring()).toBeUndefined();
    scanner.space();
    expect(scanner.nstring()).toBe('NIL');
  });

  it('marks NUL as literal8', () => {
    expect(Buffer.concat(new Encoder().literal(Buffer.from('a\0')).finish()).toString()).toBe('~{2}\r\na\0\r\n');
  });

  it.each([
    ['"abc', 'an open quote'],
    ['"a\\b"', 'a bad escape'],
    ['"a\0b"', 'NUL'],
    ['(a', 'an open list'],
    ['', 'nothing'],
    ['"\xff"', 'no UTF-8'],
  ])('refuses %j: %s', text => {
    const scanner = scan(text);
    expect(() => (text.startsWith('(') ? scanner.list(() => scanner.astring()) : scanner.astring())).toThrow(Malformed);
  });

  it('refuses nesting beyond the limit before it costs anything', () => {
    const scanner = scan('('.repeat(100_000), 50);
    let depth = 0;
    const nested = (): unknown => {
      depth += 1;
      return scanner.list(nested);
    };
    expect(nested).toThrow('nested too deeply');
    expect(depth).toBe(51);
  });

  it('allows nesting up to the limit, and lists side by side without end', () => {
    const nested = (scanner: Scanner) => (): unknown =>
      scanner.peek() === '(' ? scanner.list(nested(scanner)) : scanner.atom();
    const deep = scan(`${'('.repeat(50)}a${')'.repeat(50)}`, 50);
    expect(() => nested(deep)()).not.toThrow();
    const wide = scan(`(${Array(1000).fill('(a)').join(' ')})`, 2);
    expect(wide.list(nested(wide))).toHaveLength(1000);
  });
});

describe('modified UTF-7', () => {
  it.each([
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['Entwürfe', 'Entw&APw-rfe'],
    ['a&b', 'a&-b'],
    ['😀', '&2D3eAA-'],
  ])('%s is %s', (name, encoded) => {
    expect(encodeMutf7(name)).toBe(encoded);
    expect(decodeMutf7(encoded)).toBe(name);
  });

  it('brings every name across', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), name => {
        fc.pre(name.isWellFormed());
        expect(decodeMutf7(encodeMutf7(name))).toBe(name);
        expect(encodeMutf7(name)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });

  it.each(['&', '&AP', '&AGEAYg-', '&APw-&APw-', 'ü', '&AA-', '&2D0-', '&APy-', '&A!w-'])('refuses %j', encoded => {
    expect(() => decodeMutf7(encoded)).toThrow(Malformed);
  });

  it('takes nothing that is not canonical', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[&A-Za-z0-9+,/-]{0,12}$/), encoded => {
        let name: string;
        try {
          name = decodeMutf7(encoded);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
          return;
        }
        expect(encodeMutf7(name)).toBe(encoded);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('base64', () => {
  it.each(['a', 'ab', 'abc', 'ab=c', 'ab==\n', '=', 'a b=', 'ab-_', 'abcd=', '====', 'ab=='.repeat(2)])(
    'refuses %j',
    text => {
      expect(() => decodeBase64(text)).toThrow('invalid base64');
    },
  );

  it('takes what Buffer writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(Buffer.from(bytes));
      }),
    );
  });
});
