import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeProxyV2 } from '../../src/net/proxy-protocol.ts';
import type { LogLine, RunningPostern } from '../support/postern.ts';
import { startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

const TRUSTED = '127.0.0.2';
const UNTRUSTED = '127.0.0.3';
const KINDS = ['none', 'starttls', 'implicit'] as const;

const V1 = 'PROXY TCP4 192.0.2.7 203.0.113.1 50123 993\r\n';
const V1_V6 = 'PROXY TCP6 2001:db8::7 2001:db8::1 50123 993\r\n';
const v2 = (source: string, destination: string) =>
  encodeProxyV2({
    source: { address: source, port: 50123 },
    destination: { address: destination, port: 993 },
  }).toString('latin1');
const V2_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const V2_LOCAL = `${V2_SIGNATURE}\x20\x00\x00\x00`;
const V2_UNIX = `${V2_SIGNATURE}\x21\x31\x00\xd8${'\0'.repeat(216)}`;

describe('the PROXY protocol', () => {
  let postern: RunningPostern;

  beforeAll(async () => {
    const proxy_protocol = { from: [`${TRUSTED}/32`] };
    const config = await staticDoor({
      listeners: KINDS.map(tls => ({ name: tls, address: '127.0.0.1:0', tls, proxy_protocol })),
      limits: { handshake: '2s', per_address: 3 },
    });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  });

  afterAll(() => postern?.remove());

  /** Connects from an address and says something; collects what comes back. */
  function knock(kind: (typeof KINDS)[number], from: string) {
    const socket = connectTcp({ port: postern.port(kind), host: '127.0.0.1', localAddress: from, noDelay: true });
    let heard = '';
    socket.on('data', chunk => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    const closed = new Promise<string>(resolve => socket.once('close', () => resolve(heard)));
    return { socket, closed, heard: () => heard };
  }

  const say = (socket: Socket, text: string) => socket.write(Buffer.from(text, 'latin1'));

  /** Whom the audit log takes a client for that tries to log in as `given`. */
  const auditOf = (given: string): Promise<LogLine> =>
    postern.waitForLog(line => line.audit === 'login' && line.given === given);

  let names = 0;
  function newName(): string {
    names += 1;
    return `guest${names}`;
  }

  it.each([
    ['version 1', V1, '192.0.2.7', 50123],
    ['version 1 for IPv6', V1_V6, '2001:db8::7', 50123],
    ['version 2', v2('192.0.2.8', '203.0.113.1'), '192.0.2.8', 50123],
    ['version 2 for IPv6', v2('2001:db8::8', '2001:db8::1'), '2001:db8::8', 50123],
    ['version 1 of unknown origin', 'PROXY UNKNOWN\r\n', TRUSTED, undefined],
    ['version 2 of its own (LOCAL)', V2_LOCAL, TRUSTED, undefined],
    ['version 2 over a unix socket', V2_UNIX, TRUSTED, undefined],
  ])('%s: the client is who the proxy says', async (_, header, address, port) => {
    for (const oneByOne of [false, true]) {
      const name = newName();
      const visit = knock('none', TRUSTED);
      const text = `${header}a LOGIN ${name} x\r\n`;
      if (oneByOne)
        for (const byte of text) await new Promise(resolve => visit.socket.write(Buffer.from(byte, 'latin1'), resolve));
      else say(visit.socket, text);
      const audit = await auditOf(name);
      expect(audit.address).toBe(address);
      expect(audit.port).toBe(port ?? visit.socket.localPort);
      expect(visit.heard()).toMatch(/^\* OK /);
      visit.socket.destroy();
    }
  });

  it.each(['starttls', 'implicit'] as const)('in front of TLS, in the same packet or byte by byte (%s)', async kind => {
    for (const oneByOne of [false, true]) {
      const name = newName();
      const socket = await secured(kind, v2('192.0.2.9', '203.0.113.1'), oneByOne);
      socket.write(`b LOGIN ${name} x\r\n`);
      expect(await auditOf(name)).toMatchObject({ address: '192.0.2.9', port: 50123, tls: 'TLSv1.3' });
      socket.destroy();
    }
  });

  it('a proxy that does not finish it is waited for, and no longer than for a handshake', async () => {
    const beginnings = ['', V1.slice(0, 20), V2_SIGNATURE.slice(0, 7), v2('192.0.2.8', '203.0.113.1').slice(0, 20)];
    const from = postern.log.length;
    const visits = KINDS.flatMap(kind =>
      beginnings.map(bytes => {
        const visit = knock(kind, TRUSTED);
        say(visit.socket, bytes);
        return visit;
      }),
    );
    expect(await Promise.all(visits.map(({ closed }) => closed))).toEqual(visits.map(() => ''));
    await until('all are audited', () => {
      const audits = postern.log.slice(from).filter(({ audit }) => audit === 'proxy-refused');
      return audits.length === visits.length;
    });
  });

  it.each([
    ['IMAP', 'a NOOP\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a line that is too long', `PROXY UNKNOWN ${'x'.repeat(200)}\r\n`],
    ['a family that is none', 'PROXY TCP5 192.0.2.7 203.0.113.1 50123 993\r\n'],
    ['addresses that are none', 'PROXY TCP4 192.0.2.777 203.0.113.1 50123 993\r\n'],
    ['a port that is none', 'PROXY TCP4 192.0.2.7 203.0.113.1 99999 993\r\n'],
    ['control characters for an address', 'PROXY TCP4 192.0.2.7\x1b[2J 203.0.113.1 50123 993\r\n'],
    ['an unknown version', `${V2_SIGNATURE}\x31\x11\x00\x0c${'\0'.repeat(12)}`],
    ['an unknown command', `${V2_SIGNATURE}\x2f\x11\x00\x0c${'\0'.repeat(12)}`],
    ['64 KB of extensions', `${V2_SIGNATURE}\x21\x11\xff\xff${'\0'.repeat(65535)}`],
  ])('a proxy that says %s instead is hung up on, audited', async (_, bytes) => {
    for (const kind of KINDS) {
      const from = postern.log.length;
      const visit = knock(kind, TRUSTED);
      say(visit.socket, bytes);
      expect(await visit.closed).toBe('');
      await refused(from);
    }
  });

  it('nobody else is believed', async () => {
    const from = postern.log.length;
    for (const header of [V1, `${v2('192.0.2.8', '203.0.113.1')}\r\n`]) {
      const name = newName();
      const visit = knock('none', UNTRUSTED);
      say(visit.socket, `${header}a LOGIN ${name} x\r\n`);
      // Whether such a client is hung up on or its header taken for a bad command: it stays who it is.
      await until('the client is dealt with', () => visit.socket.destroyed || visit.heard().includes('a NO '));
      visit.socket.destroy();
    }
    const addresses = postern.log.slice(from).flatMap(({ audit, address }) => (audit === 'login' ? [address] : []));
    expect(addresses.filter(address => address !== UNTRUSTED)).toEqual([]);
  });

  it('limits count clients, not the proxy', async () => {
    const headers = [
      ...Array(3).fill(v2('192.0.2.20', '203.0.113.1')),
      ...Array(3).fill(v2('192.0.2.21', '203.0.113.1')),
    ];
    const visits = headers.map((header: string) => {
      const visit = knock('none', TRUSTED);
      say(visit.socket, header);
      return visit;
    });
    await until('all are greeted', () => visits.every(({ heard }) => heard().startsWith('* OK ')));
    const late = knock('none', TRUSTED);
    say(late.socket, v2('192.0.2.20', '203.0.113.1'));
    expect(await late.closed).toBe('* BYE [UNAVAILABLE] Too many connections.\r\n');
    for (const { socket } of visits) socket.destroy();
  });

  async function refused(from: number): Promise<void> {
    const line = await postern.waitForLog(({ audit }) => audit === 'proxy-refused', { from });
    expect(line).toMatchObject({ level: 'warn', address: TRUSTED });
  }

  /** A client behind the proxy, over TLS; the header travels with the client's first bytes. */
  async function secured(kind: 'starttls' | 'implicit', header: string, oneByOne: boolean): Promise<TLSSocket> {
    const { socket, heard } = knock(kind, TRUSTED);
    const first = Buffer.from(header, 'latin1');
    if (kind === 'starttls') {
      const all = Buffer.concat([first, Buffer.from('a STARTTLS\r\n')]);
      if (oneByOne) await writeSingly(socket, all);
      else socket.write(all);
      await until('STARTTLS is agreed on', () => heard().includes('a OK '));
      socket.removeAllListeners('data');
      return connectTls({ socket, rejectUnauthorized: false });
    }
    const wire = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        const bytes = headed ? chunk : Buffer.concat([first, chunk]);
        headed = true;
        if (oneByOne) writeSingly(socket, bytes).then(() => done(), done);
        else socket.write(bytes, error => done(error ?? null));
      },
    });
    let headed = false;
    socket.removeAllListeners('data');
    socket.on('data', chunk => wire.push(chunk));
    socket.on('close', () => wire.destroy());
    wire.on('error', () => {});
    return connectTls({ socket: wire, rejectUnauthorized: false });
  }
});

async function writeSingly(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) await new Promise(resolve => socket.write(Uint8Array.of(byte), resolve));
}
