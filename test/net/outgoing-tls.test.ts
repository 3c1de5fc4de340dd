import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type SecureVersion, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OutgoingTls } from '../../src/config/schema.ts';
import { certificatePin } from '../../src/net/certificate-pin.ts';
import { isTlsVerificationError, OutgoingTlsContext } from '../../src/net/outgoing-tls.ts';
import { type TestCa, type TestCertificate, testCa } from '../support/test-ca.ts';

/** How long files are believed to be what they were. */
const RECHECK_MS = 10_000;

interface Shown {
  readonly version?: SecureVersion;
  readonly wantsCertificate?: boolean;
}

describe('TLS towards servers', () => {
  let ca: TestCa;
  let folder: string;
  let servers: Server[] = [];

  beforeEach(async () => {
    ca = await testCa();
    folder = mkdtempSync(join(tmpdir(), 'postern-outgoing-'));
  });
  afterEach(() => {
    vi.useRealTimers();
    for (const server of servers) server.close();
    servers = [];
    rmSync(folder, { recursive: true, force: true });
  });

  /** A server that shows this certificate and greets. @returns its port */
  async function show(shown: TestCertificate, { version, wantsCertificate = false }: Shown = {}): Promise<number> {
    const server = createServer(
      {
        cert: shown.certificate,
        key: shown.key,
        ...(version ? { maxVersion: version } : {}),
        ...(wantsCertificate ? { requestCert: true, rejectUnauthorized: true, ca: ca.pem } : {}),
      },
      socket => {
        socket.on('error', () => {});
        socket.end(`${socket.getPeerCertificate().subject?.CN ?? '-'} ${socket.servername || '-'}`);
      },
    );
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  function context(config: Partial<OutgoingTls> = {}): OutgoingTlsContext {
    return new OutgoingTlsContext({ servers: [], tls: 'implicit', pin: [], ca: ca.file, ...config });
  }

  /** Connects and reads the greeting, as whoever uses a context must. @throws what the connection failed with */
  async function greeting(from: OutgoingTlsContext, port: number, host = '127.0.0.1') {
    const server = { host, port };
    const socket: TLSSocket = connect({ ...from.options(server), host: '127.0.0.1' });
    try {
      await once(socket, 'secureConnect');
      socket.on('session', session => from.rememberSession(server, session));
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await once(socket, 'end');
      return { text, resumed: socket.isSessionReused() };
    } finally {
      socket.destroy();
    }
  }

  const failure = (from: OutgoingTlsContext, port: number, host?: string): Promise<unknown> =>
    greeting(from, port, host).then(
      () => undefined,
      error => error,
    );

  it('believes a server with the right name, by name and by address', async () => {
    const port = await show(ca.good);
    expect((await greeting(context(), port)).text).toBe('- -');
    expect((await greeting(context(), port, 'localhost')).text).toBe('- localhost');
  });

  it.each([
    ['another host', 'wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['an authority nobody trusts', 'rogue', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['the past', 'expired', 'CERT_HAS_EXPIRED'],
  ] as const)('refuses a certificate of %s, and knows that for no outage', async (_, shown, code) => {
    const error = await failure(context(), await show(ca[shown]));
    expect(error).toMatchObject({ code });
    expect(isTlsVerificationError(error)).toBe(true);
  });

  it('refuses a good server without the configured authority', async () => {
    const { ca: _, ...withoutCa } = { servers: [], tls: 'implicit' as const, pin: [], ca: undefined };
    const error = await failure(new OutgoingTlsContext(withoutCa), await show(ca.good));
    expect(isTlsVerificationError(error)).toBe(true);
  });

  it('verifies the name that is configured instead of the host’s', async () => {
    const port = await show(ca.wrongHost);
    const named = context({ server_name: 'somewhere.else.test' });
    expect((await greeting(named, port)).text).toBe('- somewhere.else.test');
    expect(await failure(named, await show(ca.good))).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('asks for one of the pinned keys besides', async () => {
    const [good, renewed] = [certificatePin(ca.good.certificate), certificatePin(ca.renewed.certificate)];
    const port = await show(ca.good);
    expect((await greeting(context({ pin: [good] }), port)).text).toBe('- -');
    expect((await greeting(context({ pin: [renewed, good] }), port)).text).toBe('- -');
    const error = await failure(context({ pin: [renewed] }), port);
    expect(error).toMatchObject({ code: 'ERR_TLS_PIN_MISMATCH', message: expect.stringContaining(good) });
    expect(isTlsVerificationError(error)).toBe(true);
    // A pin replaces nothing: the name and the authority count as before.
    const wrongPin = certificatePin(ca.wrongHost.certificate);
    expect(await failure(context({ pin: [wrongPin] }), await show(ca.wrongHost))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('shows a certificate of its own where one is configured', async () => {
    const port = await show(ca.good, { wantsCertificate: true });
    expect(await failure(context(), port)).toMatchObject({ code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' });
    const client = { certificate: ca.renewed.certificateFile, key: ca.renewed.keyFile };
    expect((await greeting(context({ client_certificate: client }), port)).text).toBe('renewed -');
  });

  it('resumes sessions, each with the server that gave it', async () => {
    const [one, two] = [await show(ca.good), await show(ca.renewed)];
    const outgoing = context();
    expect((await greeting(outgoing, one)).resumed).toBe(false);
    expect((await greeting(outgoing, one)).resumed).toBe(true);
    expect((await greeting(outgoing, two)).resumed).toBe(false);
    expect((await greeting(outgoing, two)).resumed).toBe(true);
    expect((await greeting(context(), one)).resumed).toBe(false);
  });

  it('takes up replaced authorities, forgets the sessions of the old ones, and bears a file half written', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const file = join(folder, 'ca.crt');
    copyFileSync(ca.file, file);
    const outgoing = context({ ca: file });
    const port = await show(ca.good);
    expect((await greeting(outgoing, port)).resumed).toBe(false);
    expect((await greeting(outgoing, port)).resumed).toBe(true);
    // Half of a renewal: what worked a moment ago goes on working.
    for (const half of ['', ca.pem.slice(0, 200), ca.pem + ca.rogue.certificate.slice(0, 200)]) {
      writeFileSync(file, half);
      vi.setSystemTime(Date.now() + RECHECK_MS);
      expect((await greeting(outgoing, port)).resumed).toBe(true);
    }
    rmSync(file);
    vi.setSystemTime(Date.now() + RECHECK_MS);
    expect((await greeting(outgoing, port)).resumed).toBe(true);
    // Another authority: a session of before would let the server in without looking.
    writeFileSync(file, ca.rogue.certificate);
    expect((await greeting(outgoing, port)).resumed).toBe(true);
    vi.setSystemTime(Date.now() + RECHECK_MS);
    expect(isTlsVerificationError(await failure(outgoing, port))).toBe(true);
    copyFileSync(ca.file, file);
    vi.setSystemTime(Date.now() + RECHECK_MS);
    expect((await greeting(outgoing, port)).resumed).toBe(false);
  });

  it('says so when its files cannot be read in the first place', () => {
    const missing = context({ ca: join(folder, 'missing.crt') });
    expect(() => missing.options({ host: 'localhost', port: 993 })).toThrow(/missing\.crt/);
    const empty = join(folder, 'empty.crt');
    writeFileSync(empty, '\n');
    expect(() => context({ ca: empty }).options({ host: 'localhost', port: 993 })).toThrow(/holds no certificate/);
  });
});

describe('what counts as a server that could not prove who it is', () => {
  const withCode = (code: string, cause?: unknown) => Object.assign(new Error(code, { cause }), { code });

  it.each([
    'CERT_HAS_EXPIRED',
    'CERT_REVOKED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_TLS_PIN_MISMATCH',
    'UNSPECIFIED',
  ])('%s', code => {
    expect(isTlsVerificationError(withCode(code))).toBe(true);
    expect(isTlsVerificationError(new Error('wrapped', { cause: withCode(code) }))).toBe(true);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO'])(
    'not %s',
    code => expect(isTlsVerificationError(withCode(code))).toBe(false),
  );

  it('not anything', () => {
    expect(isTlsVerificationError(undefined)).toBe(false);
    expect(isTlsVerificationError('CERT_HAS_EXPIRED')).toBe(false);
    const circle = new Error('a circle');
    circle.cause = circle;
    expect(isTlsVerificationError(circle)).toBe(false);
  });
});
