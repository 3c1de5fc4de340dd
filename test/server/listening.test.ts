import { once } from 'node:events';
import { createServer, type Socket, connect as tcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListenerConfig } from '../../src/config/schema.ts';
import { Admission } from '../../src/net/admission.ts';
import { Listening } from '../../src/server/listening.ts';
import { freePorts } from '../support/free-ports.ts';
import { until } from '../support/processes.ts';

describe('the addresses listened on', () => {
  let listening: Listening;
  let ports: number[];
  const clients: Socket[] = [];

  beforeEach(async () => {
    ports = await freePorts(4);
    listening = new Listening({
      tls: {
        context: () => {
          throw new Error('no certificate');
        },
      },
      admission: new Admission({ connections: 100, per_address: 100 }),
      handshakeTimeout: () => 60_000,
      events: {
        accepted: () => {},
        closed: () => {},
        refused: () => {},
        secured: () => {},
        handshakeFailed: () => {},
        failed: () => {},
      },
      serve: async ({ channel }, { name }) => {
        await channel.write(`${name}\n`);
        while (await channel.read());
        await channel.close();
      },
      refusalLine: () => '',
    });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    listening.hangUp();
    await listening.close();
  });

  const on = (index: number, name: string, more: Partial<ListenerConfig> = {}): ListenerConfig => ({
    address: { host: '127.0.0.1', port: ports[index] ?? 0 },
    tls: 'none',
    name,
    allow_plaintext: false,
    ...more,
  });

  /** Who answers there; undefined when nobody does. */
  async function ask(index: number): Promise<string | undefined> {
    const client = tcp({ host: '127.0.0.1', port: ports[index] ?? 0 });
    clients.push(client);
    const [answer] = await Promise.race([once(client, 'data'), once(client, 'close')]).catch(() => []);
    return Buffer.isBuffer(answer) ? answer.toString().trim() : undefined;
  }

  it('follow the configuration, while connections go on', async () => {
    await listening.apply([on(0, 'a'), on(1, 'b')]);
    expect(listening.bound).toEqual([
      { name: 'a', address: `127.0.0.1:${ports[0]}`, tls: 'none' },
      { name: 'b', address: `127.0.0.1:${ports[1]}`, tls: 'none' },
    ]);
    expect(await ask(0)).toBe('a');
    const [kept] = clients;
    await listening.apply([on(2, 'c'), on(1, 'b')]);
    expect([await ask(0), await ask(1), await ask(2)]).toEqual([undefined, 'b', 'c']);
    expect(kept?.destroyed).toBe(false);
    expect(listening.bound.map(({ name }) => name).toSorted()).toEqual(['b', 'c']);
  });

  it('are told with what each of them is, in whatever order', async () => {
    await listening.apply([on(0, 'a'), on(1, 'b', { tls: 'starttls' })]);
    await listening.apply([on(2, 'c', { tls: 'implicit' }), on(1, 'b', { tls: 'starttls' })]);
    expect(Object.fromEntries(listening.bound.map(({ name, tls }) => [name, tls]))).toEqual({
      b: 'starttls',
      c: 'implicit',
    });
  });

  it('may change what they are without moving', async () => {
    await listening.apply([on(0, 'a'), on(1, 'b')]);
    await listening.apply([on(0, 'renamed'), on(1, 'b')]);
    expect([await ask(0), await ask(1)]).toEqual(['renamed', 'b']);
  });

  it('stay as they were when one of the new ones is taken', async () => {
    await listening.apply([on(0, 'a'), on(1, 'b')]);
    const taken = createServer().listen(ports[3], '127.0.0.1');
    await once(taken, 'listening');
    try {
      await expect(listening.apply([on(0, 'renamed'), on(2, 'c'), on(3, 'd')])).rejects.toThrow(
        `cannot listen on 127.0.0.1:${ports[3]}: `,
      );
    } finally {
      taken.close();
      await once(taken, 'close');
    }
    expect([await ask(0), await ask(1), await ask(2), await ask(3)]).toEqual(['a', 'b', undefined, undefined]);
    await listening.apply([on(3, 'd')]);
    expect([await ask(0), await ask(1), await ask(3)]).toEqual([undefined, undefined, 'd']);
  });

  it('are nobody’s once closed, and then everybody who is left can be cut', async () => {
    await listening.apply([on(0, 'a'), on(1, 'b', { tls: 'starttls' })]);
    expect([await ask(0), await ask(1)]).toEqual(['a', 'b']);
    await listening.apply([on(1, 'b', { tls: 'starttls' })]);
    await listening.close();
    expect([await ask(0), await ask(1)]).toEqual([undefined, undefined]);
    expect(listening.bound).toEqual([]);
    const [first, second] = clients;
    expect([first?.destroyed, second?.destroyed]).toEqual([false, false]);
    // Also those of a listener that a reload took away.
    listening.hangUp();
    await until('both are gone', () => first?.destroyed === true && second?.destroyed === true);
  });
});
