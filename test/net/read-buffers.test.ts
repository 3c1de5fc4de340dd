import { describe, expect, it } from 'vitest';
import { ReadBuffers } from '../../src/net/read-buffers.ts';

describe('read buffers', () => {
  it('are nobody else’s until they are released', () => {
    const buffers = new ReadBuffers();
    for (const kind of ['small', 'large'] as const) {
      const lent = Array.from({ length: 100 }, () => buffers[kind]());
      expect(new Set(lent.map(({ bytes }) => bytes.buffer)).size).toBe(100);
      const [first] = lent;
      first?.release();
      expect(buffers[kind]().bytes).toBe(first?.bytes);
      expect(buffers[kind]().bytes).not.toBe(first?.bytes);
    }
  });

  it('grow while reads fill them, and shrink when the socket was emptied', () => {
    const buffers = new ReadBuffers();
    const small = buffers.small().bytes.length;
    const large = buffers.large().bytes.length;
    expect(large).toBeGreaterThan(small);
    expect(buffers.after(small, small).bytes.length).toBe(large);
    expect(buffers.after(large, large).bytes.length).toBe(large);
    expect(buffers.after(1, small).bytes.length).toBe(small);
    expect(buffers.after(1, large).bytes.length).toBe(small);
  });

  it('are not all kept when a rush is over', () => {
    const buffers = new ReadBuffers();
    const lent = Array.from({ length: 1000 }, () => buffers.large());
    for (const { release } of lent) release();
    const before = new Set(lent.map(({ bytes }) => bytes));
    const again = Array.from({ length: 1000 }, () => buffers.large());
    const kept = again.filter(({ bytes }) => before.has(bytes)).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept * (lent[0]?.bytes.length ?? 0)).toBeLessThan(8 * 1024 * 1024);
  });
});
