import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

const AUTHENTICATE_MS = 4000;
const HANDSHAKE_MS = 2000;
const LATE = '* BYE [UNAVAILABLE] Login took too long.\r\n';

describe('clients that take their time', () => {
  let postern: RunningPostern;

  beforeAll(async () => {
    const config = await staticDoor({
      limits: { authenticate: `${AUTHENTICATE_MS}ms`, handshake: `${HANDSHAKE_MS}ms` },
      more: { admin: { http: '127.0.0.1:0' } },
    });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  });

  afterAll(() => postern?.remove());

  interface Visit {
    readonly socket: Socket;
    /** Everything that was said until the end, and after how many milliseconds that came. */
    readonly end: Promise<{ heard: string; after: number }>;
  }

  function visit(kind: 'none' | 'starttls' | 'implicit'): Visit {
    const begun = performance.now();
    const socket = connectTcp({ port: postern.port(kind), host: '127.0.0.1', noDelay: true });
    let heard = '';
    socket.on('data', chunk => {
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    const end = new Promise<{ heard: string; after: number }>(resolve => {
      socket.once('close', () => resolve({ heard, after: performance.now() - begun }));
    });
    return { socket, end };
  }

  /** Sends one byte each second until it is hung up on. */
  async function drip({ socket }: Visit, text: string): Promise<void> {
    for (const byte of text) {
      if (socket.destroyed) return;
      socket.write(byte);
      await sleep(1000);
    }
  }

  it('are told when their time is over, a byte each second or none at all', async () => {
    const silent = visit('none');
    const dripping = Array.from({ length: 100 }, () => visit('none'));
    const inLiteral = visit('none');
    inLiteral.socket.write('a LOGIN {6+}\r\nal');
    const inSasl = visit('none');
    inSasl.socket.write('a AUTHENTICATE PLAIN\r\n');
    const talking = visit('none');
    const talk = setInterval(() => talking.socket.write('a NOOP\r\n'), 500);
    const unsecured = visit('starttls');
    const drips = Promise.all(dripping.map(each => drip(each, 'a LOGIN alice secret')));

    const other = await ImapClient.connect({ port: postern.port('none') });
    for (let count = 0; count < 6; count += 1) {
      expect((await other.command('NOOP')).tagged).toMatch(/ OK /);
      await sleep(500);
    }

    for (const { end } of [silent, ...dripping, inLiteral, inSasl, talking, unsecured]) {
      const { heard, after } = await end;
      expect(heard).toMatch(/^\* OK /);
      expect(heard.endsWith(LATE)).toBe(true);
      expect(after).toBeGreaterThan(AUTHENTICATE_MS - 100);
    }
    clearInterval(talk);
    await drips;
    expect(await other.readToEnd()).toContain(LATE);
  });

  it('are hung up on when they take it for the handshake', async () => {
    const silent = visit('implicit');
    const dripping = visit('implicit');
    // The begin of a ClientHello.
    const drips = drip(dripping, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03');
    const begun = visit('starttls');
    begun.socket.write('a STARTTLS\r\n');
    for (const { end } of [silent, dripping, begun]) {
      const { heard, after } = await end;
      expect(heard).not.toContain('BYE');
      expect(after).toBeGreaterThan(HANDSHAKE_MS - 100);
    }
    await drips;
  });

  it('are counted', async () => {
    const address = String(postern.log.find(({ msg }) => msg === 'ready')?.adminHttp);
    const text = await (await fetch(`http://${address}/metrics`)).text();
    expect(text).toMatch(/^postern_limits_hit_total\{limit="authenticate"\} 106$/m);
    expect(text).toMatch(/^postern_tls_handshake_failures_total\{reason="timeout"\} 3$/m);
    expect(text).toMatch(/^postern_sessions\{mode="greeting"\} 0$/m);
  });
});
