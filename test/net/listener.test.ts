import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket, connect as tcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, connect as tls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Endpoint } from '../../src/config/address.ts';
import type { ListenerConfig } from '../../src/config/schema.ts';
import { Admission } from '../../src/net/admission.ts';
import type { ClientConnection } from '../../src/net/client-connection.ts';
import { Listener } from '../../src/net/listener.ts';
import { encodeProxyV2 } from '../../src/net/proxy-protocol.ts';
import { until } from '../support/processes.ts';
import { testCa } from '../support/test-ca.ts';
import { readToEnd } from './socket-pair.ts';

const FROM_LOOPBACK = { from: [{ address: '127.0.0.0', prefix: 8, family: 'ipv4' as const }] };
const FROM_ELSEWHERE = { from: [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' as const }] };
const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 12345 993\r\n';

interface StandOptions {
  readonly config?: Partial<ListenerConfig>;
  readonly limits?: { connections: number; per_address: number };
  readonly handshakeTimeout?: number;
  readonly serve?: (connection: ClientConnection) => Promise<void>;
}

/** Says whom it sees, echoes one chunk, and hangs up when the client does. */
async function greet({ channel, client, local, tls: secured }: ClientConnection): Promise<void> {
  await channel.write(
    `${client.address}:${client.port} at ${local.address}:${local.port} ${secured?.version ?? '-'}\n`,
  );
  for (let bytes = await channel.read(); bytes; bytes = await channel.read()) await channel.write(bytes);
  await channel.close();
}

describe('a listener', () => {
  let listener: Listener;
  let sockets: Set<Socket>;
  let events: string[];
  let admission: Admission;
  let endpoint: Endpoint;
  const clients: Socket[] = [];
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-listener-'));
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    for (const socket of sockets) socket.destroy();
    await listener.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open({ config, limits, handshakeTimeout = 5000, serve = greet }: StandOptions = {}): Promise<void> {
    const { good } = await testCa();
    const context = createSecureContext({ cert: good.certificate, key: good.key });
    // Its own: the end of the test before may still be under way.
    const told: string[] = [];
    events = told;
    sockets = new Set();
    admission = new Admission(limits ?? { connections: 100, per_address: 100 });
    listener = new Listener({
      config: { address: { host: '127.0.0.1', port: 0 }, tls: 'none', allow_plaintext: false, name: 'test', ...config },
      tls: { context: () => context },
      admission,
      sockets,
      handshakeTimeout: () => handshakeTimeout,
      events: {
        accepted: () => told.push('accepted'),
        closed: () => told.push('closed'),
        refused: (_name, reason, address, detail) =>
          told.push(`refused ${reason} ${address}${detail === undefined ? '' : `: ${detail}`}`),
        secured: (_name, version) => told.push(`secured ${version}`),
        handshakeFailed: (_name, { code }) => told.push(`handshake failed ${code}`),
        failed: (_name, error) => told.push(`failed ${String(error)}`),
      },
      serve,
      refusalLine: reason => `* BYE ${reason}\r\n`,
    });
    endpoint = await listener.listen();
  }

  function connect(...pieces: readonly (string | Buffer)[]): Socket {
    const socket = tcp({ ...endpoint, noDelay: true, allowHalfOpen: true });
    clients.push(socket.on('error', () => {}));
    for (const piece of pieces) socket.write(piece);
    return socket;
  }

  function connectTls(below = connect()): Socket {
    const socket = tls({ socket: below, rejectUnauthorized: false });
    clients.push(socket.on('error', () => {}));
    return socket;
  }

  it('serves clients by their own addresses, and counts them out again', async () => {
    await open();
    const client = connect();
    const heard = readToEnd(client);
    await until('it is served', () => events.includes('accepted'));
    expect(admission.open).toBe(1);
    expect(sockets.size).toBe(1);
    client.end('echo');
    expect(await heard).toMatch(/^127\.0\.0\.1:\d+ at 127\.0\.0\.1:\d+ -\necho$/);
    await until('it is over', () => events.includes('closed'));
    expect(admission.open).toBe(0);
    expect(sockets.size).toBe(0);
    expect(events).toEqual(['accepted', 'closed']);
  });

  it('goes on when one connection fails unexpectedly', async () => {
    let served = 0;
    await open({
      serve: async connection => {
        served += 1;
        if (served === 1) throw new Error('a bug');
        await greet(connection);
      },
    });
    expect(await readToEnd(connect())).toBe('');
    expect(events).toEqual(['accepted', 'closed', 'failed Error: a bug']);
    expect(admission.open).toBe(0);
    const client = connect();
    client.end();
    expect(await readToEnd(client)).toMatch(/^127/);
  });

  describe('behind a load balancer', () => {
    it.each([
      ['version 1', V1, '192.0.2.1:12345 at 198.51.100.2:993'],
      [
        'version 2',
        encodeProxyV2({
          source: { address: '2001:db8::1', port: 1 },
          destination: { address: '2001:db8::2', port: 2 },
        }),
        '2001:db8::1:1 at 2001:db8::2:2',
      ],
      ['one that tells no client', 'PROXY UNKNOWN\r\n', '127.0.0.1:'],
      ['one of its own', encodeProxyV2(undefined), '127.0.0.1:'],
    ])('takes the client from a header: %s', async (_, header, seen) => {
      await open({ config: { proxy_protocol: FROM_LOOPBACK } });
      const client = connect(header, 'behind it');
      client.end();
      const heard = await readToEnd(client);
      expect(heard).toContain(seen);
      expect(heard.endsWith('-\nbehind it')).toBe(true);
    });

    it('takes a header that comes byte by byte, also before TLS', async () => {
      await open({ config: { proxy_protocol: FROM_LOOPBACK, tls: 'implicit' } });
      const below = connect();
      for (const letter of V1) await new Promise(resolve => below.write(letter, resolve));
      const client = connectTls(below);
      client.end('x');
      expect(await readToEnd(client)).toBe('192.0.2.1:12345 at 198.51.100.2:993 TLSv1.3\nx');
      expect(events[0]).toBe('accepted');
      expect(events).toContain('secured TLSv1.3');
    });

    it('counts the client, not the load balancer', async () => {
      await open({
        config: { proxy_protocol: FROM_LOOPBACK },
        limits: { connections: 10, per_address: 1 },
      });
      connect(V1);
      await until('one is in', () => admission.open === 1);
      expect(await readToEnd(connect(V1))).toBe('* BYE per_address\r\n');
      connect(V1.replace('192.0.2.1', '192.0.2.9'));
      await until('another is in', () => admission.open === 2);
      expect(events).toEqual(['accepted', 'refused per_address 192.0.2.1', 'accepted']);
    });

    it.each([
      ['none', 'a LOGIN b c\r\n', 'no PROXY header'],
      ['half of one', 'PROXY TCP4 192.0', 'closed within the PROXY header'],
      ['a malformed one', 'PROXY TCP4 a b c d\r\n', 'malformed PROXY line'],
    ])('hangs up without a header: %s', async (_, text, reason) => {
      await open({ config: { proxy_protocol: FROM_LOOPBACK } });
      const client = connect(text);
      client.end();
      expect(await readToEnd(client)).toBe('');
      expect(events).toEqual([`refused proxy 127.0.0.1: ${reason}`]);
      expect(admission.open).toBe(0);
    });

    it('waits for a header no longer than for a handshake', async () => {
      await open({ config: { proxy_protocol: FROM_LOOPBACK }, handshakeTimeout: 100 });
      expect(await readToEnd(connect('PROXY '))).toBe('');
      expect(events).toEqual(['refused proxy 127.0.0.1: no PROXY header in time']);
    });

    it('makes nothing of a load balancer that only looks whether somebody listens', async () => {
      await open({ config: { proxy_protocol: FROM_LOOPBACK } });
      const client = connect();
      client.end();
      expect(await readToEnd(client)).toBe('');
      expect(events).toEqual([]);
      expect(sockets.size).toBe(0);
    });

    it('believes no header of anybody else', async () => {
      await open({ config: { proxy_protocol: FROM_ELSEWHERE } });
      const client = connect(V1);
      client.end();
      expect(await readToEnd(client)).toMatch(/^127\.0\.0\.1:\d+ at 127\.0\.0\.1:\d+ -\nPROXY TCP4/);
    });
  });

  describe('that is full', () => {
    it.each(['none', 'starttls', 'implicit'] as const)('says so and hangs up (%s)', async kind => {
      await open({ config: { tls: kind }, limits: { connections: 1, per_address: 10 } });
      const connectAs = () => (kind === 'implicit' ? connectTls() : connect());
      const first = connectAs();
      await until('one is in', () => admission.open === 1);
      const refused = connectAs();
      // What it has said already must not turn the goodbye into a reset.
      refused.write('a CAPABILITY\r\n');
      expect(await readToEnd(refused)).toBe('* BYE connections\r\n');
      refused.end();
      first.destroy();
      await until('the place is free', () => admission.open === 0);
      const next = connectAs();
      next.end('x');
      expect(await readToEnd(next)).toMatch(/^127/);
    });

    it('is rid of a refused client that stays, and of one that never begins the handshake', async () => {
      await open({ config: { tls: 'implicit' }, limits: { connections: 0, per_address: 10 }, handshakeTimeout: 200 });
      const stays = connectTls();
      const silent = connect();
      await until('both are gone', () => events.length === 2 && sockets.size === 0);
      for (const socket of [stays, silent]) socket.destroy();
      expect(events).toEqual(Array(2).fill('refused connections 127.0.0.1'));
    });
  });

  describe('with TLS', () => {
    it('is done at once with a client that leaves without a handshake', async () => {
      await open({ config: { tls: 'implicit' }, handshakeTimeout: 60_000 });
      const client = connect();
      client.end();
      await until('it is counted out', () => events.includes('closed'));
      expect(events).toEqual(['accepted', 'handshake failed ECONNRESET', 'closed']);
    });

    it.each([
      ['clear text', 'a NOOP\r\n', 'ERR_SSL_WRONG_VERSION_NUMBER'],
      ['HTTP', 'GET / HTTP/1.0\r\n\r\n', 'ERR_SSL_HTTP_REQUEST'],
    ])('hangs up on %s', async (_, text, code) => {
      await open({ config: { tls: 'implicit' } });
      await readToEnd(connect(text));
      await until('it is counted out', () => events.includes('closed'));
      expect(events).toEqual(['accepted', `handshake failed ${code}`, 'closed']);
    });

    it('waits for a handshake no longer than told', async () => {
      await open({ config: { tls: 'implicit' }, handshakeTimeout: 100 });
      await readToEnd(connect('\x16\x03\x01'));
      await until('it is counted out', () => events.includes('closed'));
      expect(events).toEqual(['accepted', 'handshake failed ETIMEDOUT', 'closed']);
    });

    it('turns away who finishes the handshake when the server shuts down', async () => {
      await open({ config: { tls: 'implicit' } });
      const below = connect();
      await until('it is counted in', () => events.includes('accepted'));
      admission.draining = true;
      const client = connectTls(below);
      expect(await readToEnd(client)).toBe('* BYE draining\r\n');
      client.end();
      await until('it is counted out', () => events.includes('closed'));
      expect(events).toEqual(['accepted', 'secured TLSv1.3', 'refused draining 127.0.0.1', 'closed']);
    });
  });

  describe('on a unix socket', () => {
    const path = () => join(folder, 'deep', 'imap.sock');

    it('serves clients without an address, and each process on the machine may try', async () => {
      await open({ config: { address: { path: path() } }, limits: { connections: 10, per_address: 1 } });
      expect(statSync(path()).mode & 0o777).toBe(0o666);
      for (let count = 0; count < 3; count += 1) connect();
      await until('all are in', () => admission.open === 3);
      const client = connect();
      client.end();
      expect(await readToEnd(client)).toBe(':0 at :0 -\n');
    });

    it('asks for a PROXY header there, too', async () => {
      await open({ config: { address: { path: path() }, proxy_protocol: FROM_ELSEWHERE } });
      const client = connect(V1);
      client.end();
      expect(await readToEnd(client)).toMatch(/^192\.0\.2\.1:12345 at /);
    });

    it('takes the place of a socket that a killed process left behind', async () => {
      await open({ config: { address: { path: path() } } });
      // A name that no server answers to any more, as a killed process leaves it.
      const stale = join(folder, 'stale.sock');
      const dead = createServer();
      await new Promise<void>(resolve => dead.listen(join(folder, 'dead.sock'), resolve));
      linkSync(join(folder, 'dead.sock'), stale);
      await new Promise(resolve => dead.close(resolve));
      await listener.close();
      await open({ config: { address: { path: stale } } });
      const client = connect();
      client.end();
      expect(await readToEnd(client)).toMatch(/^:0 at/);
    });

    it('leaves alone a socket that somebody answers on, and a file that is none', async () => {
      await open({ config: { address: { path: path() } } });
      const first = listener;
      await expect(open({ config: { address: { path: path() } } })).rejects.toThrow(/answers on .*already/);
      const file = join(folder, 'precious.txt');
      writeFileSync(file, 'precious');
      await expect(open({ config: { address: { path: file } } })).rejects.toThrow(/is not a socket/);
      expect(statSync(file).size).toBe(8);
      const client = connect();
      client.end();
      expect(await readToEnd(client)).toMatch(/^:0 at/);
      await first.close();
    });
  });
});
