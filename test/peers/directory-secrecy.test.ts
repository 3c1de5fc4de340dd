import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ANSWERS } from '../../src/imap/answers.ts';
import { Dovecot } from '../support/dovecot.ts';
import { frontDoor, inParallel, tryLogin } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { RecordingProxy } from '../support/recording-proxy.ts';
import { SLAPD_PASSWORD, SLAPD_SERVICE, SLAPD_USERS, Slapd } from '../support/slapd.ts';

const UNAVAILABLE = `NO [UNAVAILABLE] ${ANSWERS.unavailable.text}`;
const WRONG = 'not-my-password';
/** Passwords, and what no directory needs to show to the network either. */
const SECRETS = [SLAPD_PASSWORD, WRONG, SLAPD_SERVICE.password, SLAPD_SERVICE.dn, SLAPD_USERS, 'u000', 'objectClass'];

const spread = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);

/** Of the server's answers: around its 14 bytes to StartTLS, and through handshake, binds and entries. */
const ANSWER_OFFSETS = [1, 7, 13, 14, 15, 19, 20, ...spread(40, 2400, 120)];
/** Of the client's bytes: around its 31 of StartTLS, and through the same. */
const REQUEST_OFFSETS = [1, 30, 31, 32, 36, ...spread(80, 1600, 110)];

describeWithPeers(['slapd', 'dovecot'], 'Between Postern and OpenLDAP', () => {
  let slapd: Slapd;
  let dovecot: Dovecot;
  const cleanups: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    slapd = await Slapd.start({ users: 200 });
    dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD });
  });

  afterAll(async () => {
    await dovecot?.remove();
    await slapd?.remove();
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function openDoor(port: number, tls: 'implicit' | 'starttls' | 'none'): Promise<RunningPostern> {
    // Only those who log in speak to the server: no probe comes between.
    const ldap = { tls, retry: '10m', timeout: '10s' };
    const postern = await startPostern(await frontDoor({ directory: [port], dovecot, ldap }));
    cleanups.push(() => postern.remove());
    return postern;
  }

  async function openProxy(port: number): Promise<RecordingProxy> {
    const proxy = await RecordingProxy.start({ port });
    cleanups.push(() => proxy.stop());
    return proxy;
  }

  const name = (index: number) => `u${String(index).padStart(3, '0')}`;

  it.each(['implicit', 'starttls'] as const)('nobody reads a password, a name or an entry (%s)', async tls => {
    const proxy = await openProxy(tls === 'implicit' ? slapd.tlsPort : slapd.port);
    const postern = await openDoor(proxy.port, tls);
    const attempts = Array.from({ length: 30 }, (_, index) => [
      { login: name(index), password: SLAPD_PASSWORD, outcome: 'ok' },
      { login: name(index), password: `${WRONG}${index}`, outcome: 'bad-password' },
      { login: `nobody${index}`, password: SLAPD_PASSWORD, outcome: 'unknown-user' },
    ]).flat();
    const results = await inParallel(attempts, 8, ({ login, password }) => tryLogin(postern, login, password));
    expect(results.map(({ audit }) => audit.outcome)).toEqual(attempts.map(({ outcome }) => outcome));
    expect(proxy.sent.length).toBeGreaterThan(5000);
    for (const secret of SECRETS) {
      expect(proxy.sent.includes(secret)).toBe(false);
      expect(proxy.answered.includes(secret)).toBe(false);
    }
  });

  it('would read them without TLS, if it were so configured', async () => {
    const proxy = await openProxy(slapd.port);
    const postern = await openDoor(proxy.port, 'none');
    expect((await tryLogin(postern, name(0), SLAPD_PASSWORD)).audit.outcome).toBe('ok');
    expect((await tryLogin(postern, name(1), WRONG)).audit.outcome).toBe('bad-password');
    for (const secret of SECRETS) expect(proxy.sent.includes(secret)).toBe(true);
  });

  it.each(['starttls', 'implicit'] as const)('nor where the line breaks midway (%s)', async tls => {
    const proxy = await openProxy(tls === 'implicit' ? slapd.tlsPort : slapd.port);
    const postern = await openDoor(proxy.port, tls);
    const outcomes = new Set<unknown>();
    let users = 0;
    const breakAt = async (bytes: number, side: 'cutAfterAnswer' | 'cutAfterRequest') => {
      proxy[side](bytes);
      const { answer, audit } = await tryLogin(postern, name(users), SLAPD_PASSWORD);
      users += 1;
      outcomes.add(audit.outcome);
      if (audit.outcome === 'ok') expect(answer).toMatch(/^OK /);
      else expect(answer).toBe(UNAVAILABLE);
      proxy[side](Number.POSITIVE_INFINITY);
      // No connection that was made whole serves the next.
      proxy.cut();
    };
    for (const bytes of ANSWER_OFFSETS) await breakAt(bytes, 'cutAfterAnswer');
    for (const bytes of REQUEST_OFFSETS) await breakAt(bytes, 'cutAfterRequest');
    expect(outcomes).toContain('unavailable');
    expect([...outcomes].filter(outcome => outcome !== 'unavailable' && outcome !== 'ok')).toEqual([]);

    expect((await tryLogin(postern, name(users), SLAPD_PASSWORD)).audit.outcome).toBe('ok');
    for (const secret of SECRETS) expect(proxy.sent.includes(secret)).toBe(false);
  });

  it.each<[string, (received: Buffer) => Buffer | undefined]>([
    ['agrees to StartTLS and goes on in clear', () => startTlsResult(0)],
    ['agrees, and sends more in clear at once', () => Buffer.concat([startTlsResult(0), bindResult(2)])],
    ['refuses StartTLS', () => startTlsResult(2)],
    ['asks to go on without', () => startTlsResult(53)],
    ['says it is busy', () => startTlsResult(51)],
    ['answers a bind that nobody made', () => bindResult(1)],
    ['does not speak LDAP', () => Buffer.from('220 mail.example.org ESMTP\r\n')],
    ['hangs up', () => undefined],
  ])('whoever %s in the directory’s place learns nothing', async (_, answer) => {
    const impostor = createServer();
    const sockets = new Set<Socket>();
    const received: Buffer[] = [];
    impostor.on('connection', socket => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk);
        const bytes = answer(chunk);
        if (bytes) socket.write(bytes);
        else socket.destroy();
      });
    });
    impostor.listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    cleanups.push(async () => {
      for (const socket of sockets) socket.destroy();
      impostor.close();
    });
    const address = impostor.address();
    const postern = await openDoor(typeof address === 'object' && address ? address.port : 0, 'starttls');
    for (const password of [SLAPD_PASSWORD, WRONG]) {
      expect((await tryLogin(postern, name(0), password)).answer).toBe(UNAVAILABLE);
    }
    const all = Buffer.concat(received);
    expect(all.length).toBeGreaterThan(0);
    for (const secret of SECRETS) expect(all.includes(secret)).toBe(false);
  });
});

/** An ExtendedResponse to message 1 (RFC 4511 §4.12). */
function startTlsResult(code: number): Buffer {
  return Buffer.from([0x30, 12, 2, 1, 1, 0x78, 7, 0x0a, 1, code, 4, 0, 4, 0]);
}

/** A successful BindResponse. */
function bindResult(id: number): Buffer {
  return Buffer.from([0x30, 12, 2, 1, id, 0x61, 7, 0x0a, 1, 0, 4, 0, 4, 0]);
}
