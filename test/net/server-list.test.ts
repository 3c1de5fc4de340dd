import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServerList } from '../../src/net/server-list.ts';

const ONE = { host: 'one', port: 1 };
const TWO = { host: 'two', port: 2 };
const THREE = { host: 'three', port: 3 };

describe('a server list', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const open = (probe: () => Promise<void> = async () => {}) => {
    const changes: string[] = [];
    const list = new ServerList([ONE, TWO, THREE], {
      retry: 100,
      probe,
      onChange: (server, up, reason) => changes.push(`${server.host} ${up ? 'up' : `down: ${reason}`}`),
    });
    return { list, changes, order: () => list.order().map(({ host }) => host) };
  };

  it('tries those that failed last, in their order', () => {
    const { list, order } = open();
    expect(order()).toEqual(['one', 'two', 'three']);
    list.failed(ONE, 'dead');
    expect(order()).toEqual(['two', 'three', 'one']);
    list.failed(THREE, 'dead');
    expect(order()).toEqual(['two', 'one', 'three']);
    list.failed(TWO, 'dead');
    expect(order()).toEqual(['one', 'two', 'three']);
    list.close();
  });

  it('puts a server back in its place when a probe succeeds, and tells each change once', async () => {
    let well = false;
    const probe = vi.fn(async () => {
      if (!well) throw new Error('still dead');
    });
    const { list, changes, order } = open(probe);
    list.failed(ONE, 'dead');
    list.failed(ONE, 'dead again');
    await vi.advanceTimersByTimeAsync(250);
    expect(probe).toHaveBeenCalledTimes(2);
    expect(list.states()[0]).toEqual({ server: 'one:1', state: 'down', reason: 'still dead' });
    well = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(order()).toEqual(['one', 'two', 'three']);
    expect(changes).toEqual(['one down: dead', 'one up']);
    await vi.advanceTimersByTimeAsync(1000);
    expect(probe).toHaveBeenCalledTimes(3);
    list.close();
  });

  it('asks nobody any more once a login went well, or once it is closed', async () => {
    const probe = vi.fn(async () => {});
    const { list, changes } = open(probe);
    list.failed(ONE, 'dead');
    list.succeeded(ONE);
    list.failed(TWO, 'dead');
    list.close();
    list.failed(THREE, 'dead');
    await vi.advanceTimersByTimeAsync(1000);
    expect(probe).not.toHaveBeenCalled();
    expect(changes).toEqual(['one down: dead', 'one up', 'two down: dead']);
  });

  it('believes a login more than a probe that was under way', async () => {
    const probes: PromiseWithResolvers<void>[] = [];
    const { list, changes } = open(() => {
      const probe = Promise.withResolvers<void>();
      probes.push(probe);
      return probe.promise;
    });
    list.failed(ONE, 'dead');
    await vi.advanceTimersByTimeAsync(100);
    list.succeeded(ONE);
    probes[0]?.reject(new Error('too late'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(list.states()[0]).toEqual({ server: 'one:1', state: 'up' });
    expect(probes).toHaveLength(1);
    // A failure begins all over again.
    list.failed(ONE, 'dead again');
    await vi.advanceTimersByTimeAsync(100);
    expect(probes).toHaveLength(2);
    list.close();
    probes[1]?.resolve();
    await vi.advanceTimersByTimeAsync(1000);
    expect(changes).toEqual(['one down: dead', 'one up', 'one down: dead again']);
  });

  it('probes a server once at a time, however often it fails meanwhile', async () => {
    const probe = vi.fn(() => new Promise<void>(() => {}));
    const { list } = open(probe);
    list.failed(ONE, 'dead');
    await vi.advanceTimersByTimeAsync(100);
    for (let count = 0; count < 5; count += 1) {
      list.failed(ONE, 'still dead');
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(probe).toHaveBeenCalledTimes(1);
    list.close();
  });

  it('knows nothing of servers that are not its own', () => {
    const { list, changes, order } = open();
    list.failed({ host: 'four', port: 4 }, 'dead');
    list.succeeded({ host: 'one', port: 99 });
    expect(changes).toEqual([]);
    expect(order()).toEqual(['one', 'two', 'three']);
    expect(list.states().map(({ state }) => state)).toEqual(['unknown', 'unknown', 'unknown']);
  });
});
