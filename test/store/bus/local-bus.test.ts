import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import type { AccountId } from '../../../src/mail/ids.ts';
import { openLocalBus } from '../../../src/store/bus/local-bus.ts';
import { busConformance } from '../../conformance/bus.ts';

busConformance('the bus of a process', async () => openLocalBus());

it('keeps nothing of a watcher that has left', async () => {
  const bus = openLocalBus();
  const { signal } = new AbortController();
  for (let n = 0; n < 3; n += 1) {
    const wakes = bus.subscribe('alice' as AccountId, undefined, signal)[Symbol.asyncIterator]();
    await wakes.return?.();
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
