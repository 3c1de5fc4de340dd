import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/mail/store.ts';
import { idle } from '../../src/session/idle.ts';
import { Selection } from '../../src/session/selection.ts';
import { MemoryAccount } from '../support/memory-store.ts';

const HOUR = 3_600_000;

describe('an IDLE', () => {
  it('says something now and then, so that no router forgets it', async () => {
    const line = Promise.withResolvers<string>();
    const store = new MemoryAccount().open();
    const pieces: (string | Buffer)[] = [];
    const idling = idle({ line: line.promise, store, selection: undefined, keepalive: 10 });
    let end = await idling.next();
    while (!end.done) {
      pieces.push(end.value);
      if (pieces.length === 4) line.resolve('DONE');
      end = await idling.next();
    }
    expect(end.value).toBe('DONE');
    expect(pieces.slice(0, 4)).toEqual(['+ idling\r\n', ...Array(3).fill('* OK Still here\r\n')]);
  });

  it('fails with the line it waits for, and with the wakes, and leaves nobody listening', async () => {
    const signals: AbortSignal[] = [];
    const store: Store = new MemoryAccount().open();
    const watch = store.watch.bind(store);
    const failing = { wakes: false };
    store.watch = (scope, signal) => {
      signals.push(signal);
      return failing.wakes ? broken() : watch(scope, signal);
    };
    const mailbox = await store.open('INBOX', false);
    const selection = await Selection.open(mailbox, 'INBOX', () => false);
    const line = Promise.withResolvers<string>();
    const options = { line: line.promise, store, selection, keepalive: HOUR };
    const one = idle(options);
    await one.next();
    const next = one.next();
    line.reject(new Error('the client left'));
    await expect(next).rejects.toThrow('the client left');
    failing.wakes = true;
    const other = idle({ ...options, line: new Promise(() => {}) });
    await other.next();
    await expect(other.next()).rejects.toThrow('no bus');
    failing.wakes = false;
    const third = idle({ ...options, line: new Promise(() => {}) });
    await third.next();
    await third.return('');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });
});

async function* broken(): AsyncGenerator<never> {
  yield await Promise.reject(new Error('no bus'));
}
