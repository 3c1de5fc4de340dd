import { describe, expect, it } from 'vitest';
import { carryOver, things } from '../../src/server/kept.ts';

interface Part {
  readonly servers: readonly string[];
}

/** What a configuration opens, one object for each opening. */
function opener() {
  const opened: string[] = [];
  return {
    opened,
    open: (name: string, { servers }: Part) => {
      opened.push(name);
      return { name, servers };
    },
  };
}

describe('what a reload carries over', () => {
  it('is the same object where nothing has changed, with whatever it knows', () => {
    const { opened, open } = opener();
    const first = carryOver<Part, object>({ a: { servers: ['1'] }, b: { servers: ['2'] } }, new Map(), open);
    expect(opened).toEqual(['a', 'b']);
    expect([first.opened.length, first.dropped.length]).toEqual([2, 0]);
    const second = carryOver<Part, object>(
      // An equal part need not be the same object: each reload reads the file anew.
      { b: { servers: ['2'] }, a: { servers: ['changed'] }, c: { servers: ['3'] } },
      first.now,
      open,
    );
    expect(opened).toEqual(['a', 'b', 'a', 'c']);
    expect(things(second.now).get('b')).toBe(things(first.now).get('b'));
    expect(things(second.now).get('a')).not.toBe(things(first.now).get('a'));
    expect([...second.now.keys()]).toEqual(['b', 'a', 'c']);
    expect(second.opened).toEqual([things(second.now).get('a'), things(second.now).get('c')]);
    expect(second.dropped).toEqual([things(first.now).get('a')]);
  });

  it('is not what was renamed or removed', () => {
    const { open } = opener();
    const first = carryOver<Part, object>({ a: { servers: ['1'] } }, new Map(), open);
    const renamed = carryOver<Part, object>({ b: { servers: ['1'] } }, first.now, open);
    expect(renamed.dropped).toEqual([things(first.now).get('a')]);
    const emptied = carryOver<Part, object>({}, renamed.now, open);
    expect([...emptied.now]).toEqual([]);
    expect(emptied.dropped).toEqual([things(renamed.now).get('b')]);
  });
});
