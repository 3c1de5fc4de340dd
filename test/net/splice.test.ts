import { createHash, randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReadBuffers } from '../../src/net/read-buffers.ts';
import { type SpliceOptions, splice } from '../../src/net/splice.ts';
import { long } from '../support/long.ts';
import { until } from '../support/processes.ts';
import { readToEnd, SocketPairs, sha256 } from './socket-pair.ts';

const MEGABYTE = 1024 * 1024;

describe.each(['lent', 'accepted'] as const)('two joined connections (upstream %s)', kind => {
  let pairs: SocketPairs;
  let buffers: ReadBuffers;
  beforeEach(() => {
    pairs = new SocketPairs();
    buffers = new ReadBuffers();
  });
  afterEach(() => pairs.close());

  /** A client and a server, joined. */
  async function join(options: SpliceOptions = {}) {
    const client = await pairs.accepted();
    const upstream = kind === 'lent' ? await pairs.lent(buffers) : await pairs.accepted();
    const end = splice(client.channel, upstream.channel, options);
    return { client: client.peer, server: upstream.peer, end, channels: [client.channel, upstream.channel] as const };
  }

  it('passes on what was queued before, then everything', async () => {
    const client = await pairs.accepted();
    const upstream = kind === 'lent' ? await pairs.lent(buffers) : await pairs.accepted();
    client.peer.write('b SELECT INBOX\r\n');
    upstream.peer.write('* 1 EXISTS\r\n');
    await until('both are queued', () => client.channel.bytesIn > 0 && upstream.channel.bytesIn > 0);
    const end = splice(client.channel, upstream.channel);
    const [heard, told] = [readToEnd(client.peer), readToEnd(upstream.peer)];
    client.peer.end('c LOGOUT\r\n');
    expect(await told).toBe('b SELECT INBOX\r\nc LOGOUT\r\n');
    upstream.peer.end('c OK\r\n');
    expect(await heard).toBe('* 1 EXISTS\r\nc OK\r\n');
    expect(await end).toEqual({ by: 'client', error: undefined });
  });

  it('brings every byte to the one it is for, however it is cut and however slowly it is read', async () => {
    const relays = await Promise.all(Array.from({ length: 8 }, () => join()));
    const size = (long ? 32 : 3) * MEGABYTE;
    const results = await Promise.all(
      relays.flatMap(({ client, server }) => [
        transfer(server, client, size),
        transfer(client, server, Math.round(size / 4)),
      ]),
    );
    for (const { sent, received } of results) expect(received).toBe(sent);
    for (const { end } of relays) expect((await end).error).toBeUndefined();
  });

  it('lets a server answer a client that has closed its half', async () => {
    const { client, server, end } = await join();
    const told = readToEnd(server);
    const heard = readToEnd(client);
    client.end('a FETCH 1 BODY[]\r\n');
    expect(await told).toBe('a FETCH 1 BODY[]\r\n');
    await sleep(20);
    const body = randomBytes(MEGABYTE);
    server.write(body);
    await sleep(20);
    server.end('done');
    expect(sha256(Buffer.from(await heard, 'latin1'))).toBe(sha256(Buffer.concat([body, Buffer.from('done')])));
    expect(await end).toEqual({ by: 'client', error: undefined });
  });

  it('lets a client finish what it sends to a server that has closed its half', async () => {
    const { client, server, end } = await join();
    const heard = readToEnd(client);
    server.end('* BYE\r\n');
    expect(await heard).toBe('* BYE\r\n');
    const told = readToEnd(server);
    client.end('a LOGOUT\r\n');
    expect(await told).toBe('a LOGOUT\r\n');
    expect(await end).toEqual({ by: 'upstream', error: undefined });
  });

  it.each(['client', 'upstream'] as const)('closes the other side at once when the %s is lost', async by => {
    const { client, server, end } = await join();
    client.write('hello');
    await once(server, 'data');
    const [lost, other] = by === 'client' ? [client, server] : [server, client];
    const gone = once(other, 'close');
    other.resume().once('end', () => other.end());
    lost.resetAndDestroy();
    await gone;
    expect(await end).toMatchObject({ by, error: { code: 'ECONNRESET' } });
  });

  it('ends with a server that died while its client read nothing, as soon as the client reads', async () => {
    const { client, server, end, channels } = await join();
    client.pause();
    server.write(Buffer.alloc(32 * MEGABYTE));
    await until('the server is held', () => channels[1].paused);
    server.resetAndDestroy();
    client.resume();
    expect(await end).toMatchObject({ by: 'upstream', error: { code: 'ECONNRESET' } });
    expect(channels.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it.each(['client', 'upstream'] as const)('waits for the second half no longer than told (first: %s)', async by => {
    const { client, server, end, channels } = await join({ linger: 100 });
    const [first, second] = by === 'client' ? [client, server] : [server, client];
    first.end();
    second.resume();
    expect(await end).toEqual({ by, error: undefined });
    expect(channels.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it('waits on while the second half has something to say', async () => {
    const { client, server, end } = await join({ linger: 400 });
    const heard = readToEnd(client);
    client.end();
    server.resume();
    for (let count = 0; count < 10; count += 1) {
      server.write(`${count}`);
      await sleep(80);
    }
    server.end();
    expect(await heard).toBe('0123456789');
    await end;
  });

  it('stops a server whose client does not read, without holding what it sends, and nobody else', async () => {
    const stuck = await join();
    const other = await join();
    stuck.client.pause();
    const body = randomBytes(64 * MEGABYTE);
    stuck.server.end(body);
    await until('the server is held', () => stuck.channels[1].paused);
    await sleep(100);
    expect(stuck.server.writableLength).toBeGreaterThan(16 * MEGABYTE);
    expect(stuck.channels[0].socket.writableLength).toBeLessThan(MEGABYTE);
    const moved = await transfer(other.server, other.client, MEGABYTE);
    expect(moved.received).toBe(moved.sent);
    const heard = hashToEnd(stuck.client);
    stuck.client.resume();
    expect(await heard).toBe(sha256(body));
  });

  it('shows every byte that passes, and counts it', async () => {
    const seen = { client: '', server: '' };
    const { client, server, end, channels } = await join({
      onClientBytes: bytes => {
        seen.client += bytes.toString();
      },
      onServerBytes: bytes => {
        seen.server += bytes.toString();
      },
    });
    client.end('a NOOP\r\n');
    expect(await readToEnd(server)).toBe('a NOOP\r\n');
    server.end('a OK\r\n');
    expect(await readToEnd(client)).toBe('a OK\r\n');
    await end;
    expect(seen).toEqual({ client: 'a NOOP\r\n', server: 'a OK\r\n' });
    expect(channels.map(({ bytesIn, bytesOut }) => [bytesIn, bytesOut])).toEqual([
      [8, 6],
      [6, 8],
    ]);
  });
});

describe('a join that comes too late', () => {
  it('ends when a side is gone already, and still brings what it said', async () => {
    const pairs = new SocketPairs();
    try {
      const [client, upstream] = [await pairs.accepted(), await pairs.lent(new ReadBuffers())];
      const lost = once(upstream.channel.socket, 'close');
      upstream.peer.end('* BYE\r\n');
      await until('it has come', () => upstream.channel.bytesIn > 0);
      upstream.channel.destroy();
      await lost;
      const heard = readToEnd(client.peer);
      const end = splice(client.channel, upstream.channel);
      expect(await heard).toBe('* BYE\r\n');
      client.peer.end();
      expect(await end).toEqual({ by: 'upstream', error: undefined });
    } finally {
      pairs.close();
    }
  });
});

/** Sends random bytes in random pieces, ends, and reads them at the other end with random pauses; hashes of both. */
async function transfer(from: Socket, to: Socket, size: number): Promise<{ sent: string; received: string }> {
  const content = randomBytes(size);
  const received = hashToEnd(to, true);
  for (let start = 0; start < size; ) {
    const length = randomInt(2) === 0 ? randomInt(1, 2000) : randomInt(2000, 300_000);
    if (!from.write(content.subarray(start, start + length))) await once(from, 'drain');
    start += length;
    if (randomInt(20) === 0) await sleep(1);
  }
  from.end();
  return { sent: sha256(content), received: await received };
}

async function hashToEnd(socket: Socket, slowly = false): Promise<string> {
  const hash = createHash('sha256');
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    if (!slowly || randomInt(8) > 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), randomInt(1, 8));
  });
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  return hash.digest('hex');
}
