import { describe, expect, it } from 'vitest';
import { parseSequenceSet } from '../../src/imap/sequence-set.ts';
import { renderRanges } from '../../src/mail/uid-ranges.ts';
import { resolveSequence, resolveUids } from '../../src/session/resolve-set.ts';
import { UidList } from '../../src/session/uid-list.ts';
import fc from '../support/fast-check.ts';

const list = (...uids: number[]): UidList => new UidList(Uint32Array.from(uids));

describe('a set of sequence numbers', () => {
  it.each([
    ['1', '3'],
    ['1:2', '3:4'],
    ['2:1', '3:4'],
    ['1:3', '3:4,9'],
    ['*', '4000000000'],
    ['3:*', '9,4000000000'],
    ['*:3', '9,4000000000'],
    ['4,1,4,1:2', '3:4,4000000000'],
    ['*:*', '4000000000'],
  ])('names messages: %s', (set, expected) => {
    expect(renderRanges(resolveSequence(parseSequenceSet(set), list(3, 4, 9, 4_000_000_000)))).toBe(expected);
  });

  it.each(['5', '1:5', '5:*', '1,9', '4294967295'])('names no message beyond the last: %s', set => {
    expect(() => resolveSequence(parseSequenceSet(set), list(3, 4, 9, 11))).toThrow('there is no message');
  });

  it('may ask for all of nothing', () => {
    for (const set of ['*', '1:*', '*:7']) expect(resolveSequence(parseSequenceSet(set), list())).toEqual([]);
    for (const set of ['1', '1:2', '*,3']) expect(() => resolveSequence(parseSequenceSet(set), list())).toThrow();
  });
});

describe('a set of UIDs', () => {
  it.each([
    ['3', '3'],
    ['1:2', ''],
    ['5:8', ''],
    ['4:9', '4,9'],
    ['1:*', '3:4,9,4000000000'],
    ['4000000001:*', '4000000000'],
    ['*:4000000001', '4000000000'],
    ['1:4294967295', '3:4,9,4000000000'],
    ['9,1:3,2:4', '3:4,9'],
    ['*', '4000000000'],
  ])('names those that are there: %s', (set, expected) => {
    expect(renderRanges(resolveUids(parseSequenceSet(set), list(3, 4, 9, 4_000_000_000)))).toBe(expected);
  });

  it('names nothing where there is nothing', () => {
    expect(resolveUids(parseSequenceSet('1:*,7'), list())).toEqual([]);
  });

  it('names exactly those that it would by looking at each', () => {
    const uid = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(
        fc.uniqueArray(uid, { maxLength: 40 }),
        fc.array(fc.tuple(uid, uid), { minLength: 1, maxLength: 6 }),
        (present, set) => {
          const uids = [...present].sort((a, b) => a - b);
          const wanted = uids.filter(one => set.some(([a, b]) => one >= Math.min(a, b) && one <= Math.max(a, b)));
          const ranges = resolveUids(set, list(...uids));
          const named = ranges.flatMap(([first, last]) =>
            Array.from({ length: last - first + 1 }, (_, index) => first + index),
          );
          expect(named).toEqual(wanted);
        },
      ),
    );
  });
});

describe('a list of UIDs', () => {
  it('loses and gains as an array would', () => {
    const ops = fc.array(
      fc.oneof(
        fc.record({ add: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }) }),
        fc.record({ remove: fc.array(fc.nat(60), { maxLength: 10 }) }),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(ops, steps => {
        const uids = list();
        let model: number[] = [];
        for (const step of steps) {
          if ('add' in step) {
            let last = model.at(-1) ?? 0;
            const more = step.add.map(gap => {
              last += gap;
              return last;
            });
            uids.append(Uint32Array.from(more));
            model.push(...more);
          } else {
            const places = [...new Set(step.remove)].filter(place => place < model.length).sort((a, b) => a - b);
            uids.remove(places);
            model = model.filter((_, place) => !places.includes(place));
          }
          expect([...uids.values()]).toEqual(model);
          expect(uids.length).toBe(model.length);
          for (const [place, uid] of model.entries()) expect(uids.placeOf(uid)).toBe(place);
          expect(uids.placeOf((model.at(-1) ?? 0) + 1)).toBe(-1);
          expect(uids.floor(0)).toBe(0);
        }
      }),
    );
  });

  it('of 200,000 loses half of them in one pass', () => {
    const uids = new UidList(Uint32Array.from({ length: 200_000 }, (_, place) => place + 1));
    uids.remove(Array.from({ length: 100_000 }, (_, index) => index * 2));
    expect(uids.length).toBe(100_000);
    expect(uids.at(99_999)).toBe(200_000);
  });
});
