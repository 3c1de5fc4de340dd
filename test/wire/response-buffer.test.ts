import { describe, expect, it } from 'vitest';
import { FLUSH_AT, ResponseBuffer, withoutNul } from '../../src/wire/response-buffer.ts';
import fc from '../support/fast-check.ts';

type Step =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'bytes' | 'literal'; readonly bytes: Uint8Array }
  | { readonly kind: 'take' }
  | { readonly kind: 'rewind'; readonly back: number };

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code)),
  maxLength: 300,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: latin1 }),
  fc.record({ kind: fc.constant('number' as const), number: fc.oneof(fc.nat(), fc.maxSafeNat()) }),
  fc.record({ kind: fc.constantFrom('bytes' as const, 'literal' as const), bytes: fc.uint8Array({ maxLength: 5000 }) }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('rewind' as const), back: fc.nat(100) }),
);

/** What it should hold, on strings. */
function expected(step: Exclude<Step, { kind: 'take' | 'rewind' }>): string {
  if (step.kind === 'text') return step.text;
  if (step.kind === 'number') return String(step.number);
  const text = Buffer.from(step.bytes).toString('latin1');
  return step.kind === 'bytes' ? text : `{${text.length}}\r\n${text.replaceAll('\0', '\x80')}`;
}

function write(out: ResponseBuffer, step: Exclude<Step, { kind: 'take' | 'rewind' }>): void {
  if (step.kind === 'text') out.text(step.text);
  else if (step.kind === 'number') out.number(step.number);
  else if (step.kind === 'bytes') out.bytes(step.bytes);
  else out.literal(step.bytes);
}

describe('a buffer of responses', () => {
  it('holds what was written, and leaves alone what was taken', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const out = new ResponseBuffer();
        const taken: { readonly bytes: Buffer; readonly text: string }[] = [];
        let text = '';
        for (const each of steps) {
          if (each.kind === 'take') {
            taken.push({ bytes: out.take(), text });
            text = '';
          } else if (each.kind === 'rewind') {
            text = text.slice(0, Math.max(0, text.length - each.back));
            out.rewind(text.length);
          } else {
            write(out, each);
            text += expected(each);
          }
          expect(out.length).toBe(text.length);
          expect(out.full).toBe(text.length >= FLUSH_AT);
        }
        expect(out.take().toString('latin1')).toBe(text);
        for (const { bytes, text } of taken) expect(bytes.toString('latin1')).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  it('leaves the bytes of others as they are', () => {
    const bytes = Uint8Array.of(0, 1, 0);
    const out = new ResponseBuffer();
    out.literal(bytes);
    expect([...bytes]).toEqual([0, 1, 0]);
    expect([...withoutNul(bytes)]).toEqual([0x80, 1, 0x80]);
  });
});
