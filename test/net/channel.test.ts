import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionLost } from '../../src/net/channel.ts';
import { ReadBuffers } from '../../src/net/read-buffers.ts';
import { until } from '../support/processes.ts';
import { type ChannelPair, readToEnd, SocketPairs, sha256 } from './socket-pair.ts';

/** More than the kernel holds for a connection on loopback. */
const FLOOD = 32 * 1024 * 1024;

describe.each(['accepted', 'lent'] as const)('a channel (%s)', kind => {
  let pairs: SocketPairs;
  beforeEach(() => {
    pairs = new SocketPairs();
  });
  afterEach(() => pairs.close());
  const open = (): Promise<ChannelPair> => (kind === 'lent' ? pairs.lent(new ReadBuffers()) : pairs.accepted());

  it('gives what was received, in order, then the end', async () => {
    const { channel, peer } = await open();
    const first = channel.read();
    peer.write('one');
    expect((await first)?.toString()).toBe('one');
    peer.write('two');
    await until('it is there', () => channel.bytesIn === 6);
    peer.end('three');
    await until('it is there, too', () => channel.bytesIn === 11);
    const rest: string[] = [];
    for (let bytes = await channel.read(); bytes; bytes = await channel.read()) rest.push(bytes.toString());
    expect(rest.join('')).toBe('twothree');
    expect(await channel.read()).toBeUndefined();
    expect(channel.error).toBeUndefined();
  });

  it('keeps the bytes it gave, whatever comes later', async () => {
    const { channel, peer } = await open();
    const given: Buffer[] = [];
    for (const letter of 'abcdef') {
      peer.write(letter.repeat(3000));
      given.push((await channel.read()) ?? Buffer.alloc(0));
    }
    expect(given.map(bytes => bytes.toString())).toEqual([...'abcdef'].map(letter => letter.repeat(3000)));
  });

  it('stops a peer whose bytes nobody reads, and goes on when somebody does', async () => {
    const { channel, peer } = await open();
    const sent = randomBytes(FLOOD);
    peer.end(sent);
    await until('it has had enough', () => channel.paused);
    await sleep(100);
    expect(channel.bytesIn).toBeLessThan(1024 * 1024);
    expect(peer.writableLength).toBeGreaterThan(0);
    const pieces: Buffer[] = [];
    for (let bytes = await channel.read(); bytes; bytes = await channel.read()) pieces.push(Buffer.from(bytes));
    expect(sha256(Buffer.concat(pieces))).toBe(sha256(sent));
  });

  it('flows on from where reading stopped, and tells the end once, after the last bytes', async () => {
    const { channel, peer } = await open();
    peer.write('read ');
    await channel.read();
    peer.write('queued ');
    await until('it is queued', () => channel.bytesIn === 12);
    const seen: string[] = [];
    channel.flow(
      (bytes, release) => {
        seen.push(bytes.toString());
        release?.();
        return true;
      },
      () => seen.push('|'),
    );
    peer.end('late');
    await until('the end', () => seen.includes('|'));
    channel.destroy();
    await once(channel.socket, 'close');
    expect(seen.join('')).toBe('queued late|');
  });

  it('tells the end to a sink that comes after it', async () => {
    const { channel, peer } = await open();
    const end = once(channel.socket, 'end');
    peer.end('all');
    await end;
    const seen: string[] = [];
    channel.flow(
      bytes => {
        seen.push(bytes.toString());
        return true;
      },
      () => seen.push('|'),
    );
    expect(seen).toEqual(['all', '|']);
  });

  it('pauses for a sink that has no room, and loses nothing', async () => {
    const { channel, peer } = await open();
    const sent = randomBytes(4 * 1024 * 1024);
    const pieces: Buffer[] = [];
    let ended = false;
    peer.write(sent.subarray(0, 100_000));
    await until('some of it is queued', () => channel.bytesIn > 0);
    channel.flow(
      (bytes, release) => {
        pieces.push(Buffer.from(bytes));
        release?.();
        setImmediate(() => channel.resume());
        return false;
      },
      () => {
        ended = true;
      },
    );
    peer.end(sent.subarray(100_000));
    await until('the end', () => ended);
    expect(sha256(Buffer.concat(pieces))).toBe(sha256(sent));
  });

  it('takes no more while a sink that was given the queue has no room', async () => {
    const { channel, peer } = await open();
    peer.write('queued');
    await until('it is queued', () => channel.bytesIn === 6);
    const seen: string[] = [];
    channel.flow(
      (bytes, release) => {
        seen.push(bytes.toString());
        release?.();
        return false;
      },
      () => {},
    );
    expect(channel.paused).toBe(true);
    peer.write('more');
    await sleep(50);
    expect(seen).toEqual(['queued']);
    channel.resume();
    await until('the rest has come', () => seen.length === 2);
    expect(seen).toEqual(['queued', 'more']);
  });

  it('writes in order, and waits for a peer that does not read', async () => {
    const { channel, peer } = await open();
    const sent = randomBytes(FLOOD);
    await channel.write('hello ');
    let written = false;
    const writing = channel.write(sent).then(() => {
      written = true;
    });
    await sleep(100);
    expect(written).toBe(false);
    const received = readToEnd(peer);
    await writing;
    channel.end();
    expect(sha256(Buffer.from(await received, 'latin1'))).toBe(sha256(Buffer.concat([Buffer.from('hello '), sent])));
    expect(channel.bytesOut).toBe(sent.length + 6);
  });

  it('fails the writes that wait when the connection is lost, and those that come after', async () => {
    const { channel, peer } = await open();
    const writes = [channel.write(Buffer.alloc(FLOOD)), channel.write('more')];
    const outcomes = Promise.allSettled(writes);
    peer.resetAndDestroy();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(ConnectionLost) });
    }
    expect(channel.error).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
    expect(channel.closed).toBe(true);
    await expect(channel.write('late')).rejects.toThrow(ConnectionLost);
    expect(await channel.read()).toBeUndefined();
  });

  it('fails a write after its own end', async () => {
    const { channel } = await open();
    channel.end();
    await expect(channel.write('late')).rejects.toThrow(ConnectionLost);
  });

  it('ends a waiting read when the connection is closed from here', async () => {
    const { channel } = await open();
    const waiting = channel.read();
    channel.destroy();
    expect(await waiting).toBeUndefined();
  });

  it('brings its last words to a peer that sends on and on', async () => {
    const { channel, peer } = await open();
    peer.write(Buffer.alloc(FLOOD));
    await until('it has had enough', () => channel.paused);
    const heard = readToEnd(peer);
    channel.write('* BYE\r\n').catch(() => {});
    const closed = channel.close(10_000);
    expect(await heard).toBe('* BYE\r\n');
    peer.end();
    await closed;
    expect(channel.error).toBeUndefined();
  });

  it('waits for a peer’s leave no longer than told, also for one that does not read', async () => {
    const { channel, peer } = await open();
    peer.pause();
    channel.write(Buffer.alloc(FLOOD)).catch(() => {});
    await channel.close(50);
    expect(channel.closed).toBe(true);
    await channel.close();
  });
});

describe('a detached channel', () => {
  it('says how much nobody read, wherever that was, and hears nothing more', async () => {
    const pairs = new SocketPairs();
    try {
      const { channel, peer } = await pairs.accepted();
      peer.write('a STARTTLS\r\n');
      await channel.read();
      peer.write('injected');
      await until('it is queued', () => channel.bytesIn === 20);
      channel.socket.pause();
      peer.write(' and more');
      await until('the socket holds it', () => channel.socket.bytesRead === 29);
      const { socket, unread } = channel.detach();
      expect(unread).toBe(17);
      expect(socket).toBe(channel.socket);
      const next = once(socket.resume(), 'data');
      peer.write('for the next owner');
      expect(String(await next)).toBe('for the next owner');
      expect(channel.bytesIn).toBe(20);
    } finally {
      pairs.close();
    }
  });
});
