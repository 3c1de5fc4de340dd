import { expect, it } from 'vitest';
import { Turns } from '../../../src/auth/static/turns.ts';

it('lets so many work at once, in order of arrival, and those leave who no longer want to', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const clients = Array.from({ length: 6 }, () => new AbortController());
  const runs = clients.map(({ signal }, index) =>
    turns.run(signal, async () => {
      begun.push(index);
      await new Promise<void>(resolve => ends.push(resolve));
      if (index === 0) throw new Error('failed');
    }),
  );
  const settled = Promise.allSettled(runs);
  expect(begun).toEqual([0, 1]);
  clients[2]?.abort(new Error('gone'));
  for (let done = 0; done < 5; done += 1) {
    ends[done]?.();
    await new Promise(setImmediate);
    expect(begun.length - done - 1).toBeLessThanOrEqual(2);
  }
  expect(begun).toEqual([0, 1, 3, 4, 5]);
  expect((await settled).map(({ status }) => status[0]).join('')).toBe('rfrfff');
});
