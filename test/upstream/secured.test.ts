import { once } from 'node:events';
import { type SecureVersion, TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { ReadBuffers } from '../../src/net/read-buffers.ts';
import { Upstream, type UpstreamRequest, type UpstreamSession } from '../../src/upstream/upstream.ts';
import { until } from '../support/processes.ts';
import { UpstreamConnection } from '../support/scripted-upstream.ts';
import { type TestCa, type TestCertificate, testCa } from '../support/test-ca.ts';
import { MailServer, type Script, secure, serve, upstreamConfig } from './mail-server.ts';

const REQUEST: UpstreamRequest = {
  identity: { login: 'ada', password: 'secret', authorize: '', user: 'ada' },
  client: { source: { address: '192.0.2.1', port: 1 }, destination: { address: '192.0.2.2', port: 993 } },
  session: 'session-1',
};
const PLAIN_LOGIN = '* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready';

describe('an upstream behind TLS', () => {
  let ca: TestCa;
  let servers: MailServer[];
  let sessions: UpstreamSession[];
  /** Every line that came, in clear or not. */
  let heard: string[];
  /** Whether each handshake was a resumed one. */
  let resumed: boolean[];

  beforeEach(async () => {
    ca = await testCa();
    [servers, sessions, heard, resumed] = [[], [], [], []];
  });
  afterEach(async () => {
    for (const { channel } of sessions) channel.destroy();
    for (const server of servers) await server.stop();
  });

  const talk = (connection: UpstreamConnection, greeting?: string): Promise<void> =>
    serve(connection, greeting, {
      AUTHENTICATE: (tag, rest) => {
        heard.push(`AUTHENTICATE ${rest}`);
        if (connection.socket instanceof TLSSocket) resumed.push(connection.socket.isSessionReused());
        return `${tag} OK [CAPABILITY IMAP4rev1 IDLE] done\r\n`;
      },
      CAPABILITY: tag => {
        heard.push('CAPABILITY');
        return `* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n${tag} OK done\r\n`;
      },
    });

  const within: Script = connection => talk(connection, PLAIN_LOGIN);

  async function start(script: Script, certificate?: TestCertificate, version?: SecureVersion): Promise<MailServer> {
    const server = await MailServer.start(script, {
      ...(certificate ? { certificate } : {}),
      ...(version ? { version } : {}),
    });
    servers.push(server);
    return server;
  }

  function upstreamOf(server: MailServer, config: Partial<UpstreamConfig> = {}): Upstream {
    return new Upstream('mail', upstreamConfig([server.address], { tls: 'implicit', ca: ca.file, ...config }), {
      buffers: new ReadBuffers(),
    });
  }

  async function open(upstream: Upstream): Promise<UpstreamSession> {
    const session = await upstream.open(REQUEST, new AbortController().signal);
    sessions.push(session);
    return session;
  }

  /** Clear up to STARTTLS, then TLS; `behind` is sent in clear with the answer. */
  const starting = (certificate: TestCertificate, behind = '', greeting = PLAIN_LOGIN): Script => {
    return async connection => {
      await connection.write(`${greeting}\r\n`);
      const line = await connection.readLine();
      heard.push(line);
      await connection.write(`${line.split(' ')[0]} OK go\r\n${behind}`);
      const secured = secure(connection.socket, certificate);
      await once(secured, 'secure');
      // Nobody greets again behind STARTTLS.
      await talk(new UpstreamConnection(secured)).catch(() => {});
    };
  };

  it('is logged in to, and the connection works both ways', async () => {
    const server = await start(within, ca.good);
    const { channel, capabilities } = await open(upstreamOf(server));
    expect(String(capabilities)).toBe('IMAP4rev1 IDLE');
    await channel.write('x CAPABILITY\r\n');
    expect(String(await channel.read())).toContain('x OK done');
  });

  it.each(['wrongHost', 'rogue', 'expired'] as const)('gets nothing from us when it shows: %s', async shown => {
    const server = await start(within, ca[shown]);
    const upstream = upstreamOf(server);
    await expect(open(upstream)).rejects.toMatchObject({ kind: 'untrusted' });
    // Nor the next time, when a remembered session might be resumed without a look at the name.
    await expect(open(upstream)).rejects.toMatchObject({ kind: 'untrusted' });
    expect(heard).toEqual([]);
    await until('nothing stays open', () => server.open === 0);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is met again by its session (%s)', async version => {
    const upstream = upstreamOf(await start(within, ca.good, version));
    for (let count = 0; count < 3; count += 1) (await open(upstream)).channel.destroy();
    expect(resumed).toEqual([false, true, true]);
  });

  it('gives no session to be remembered while it is not who it should be', async () => {
    // The same server under two names: only one of them is its own.
    const server = await start(within, ca.good, 'TLSv1.2');
    const upstream = upstreamOf(server, { server_name: 'somewhere.else.test' });
    for (let count = 0; count < 2; count += 1) {
      await expect(open(upstream)).rejects.toMatchObject({ kind: 'untrusted' });
    }
    expect(heard).toEqual([]);
  });

  it('is unavailable, not untrusted, when it does not speak TLS, hangs up, or says nothing', async () => {
    const clear = await start(connection => serve(connection, PLAIN_LOGIN, {}));
    await expect(open(upstreamOf(clear))).rejects.toMatchObject({ kind: 'unavailable' });
    const rude = await start(async connection => connection.destroy());
    await expect(open(upstreamOf(rude))).rejects.toMatchObject({ kind: 'unavailable' });
    const silent = await start(connection => connection.ended(60_000));
    await expect(open(upstreamOf(silent, { connect_timeout: 200 }))).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('no TLS handshake within 200 ms'),
    });
    await until('nothing stays open', () => clear.open + rude.open + silent.open === 0);
  });

  it('is a matter of configuration when its authority’s file is not there', async () => {
    const server = await start(within, ca.good);
    await expect(open(upstreamOf(server, { ca: '/nonexistent/ca.crt' }))).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('/nonexistent/ca.crt'),
    });
    await until('nothing stays open', () => server.open === 0);
  });

  describe('from STARTTLS on', () => {
    it('is asked again what it can, and gets the password only then', async () => {
      const server = await start(starting(ca.good));
      const upstream = upstreamOf(server, { tls: 'starttls' });
      await open(upstream);
      expect(heard[0]).toMatch(/ STARTTLS$/);
      expect(heard.slice(1)).toEqual(['CAPABILITY', expect.stringMatching(/^AUTHENTICATE/)]);
    });

    it('gets nothing from us when it shows another’s certificate', async () => {
      const server = await start(starting(ca.wrongHost));
      await expect(open(upstreamOf(server, { tls: 'starttls' }))).rejects.toMatchObject({ kind: 'untrusted' });
      expect(heard).toHaveLength(1);
    });

    it.each(['* OK [CAPABILITY IMAP4rev1 LOGIN] injected\r\n', 'x'])(
      'is not believed with %j in clear',
      async behind => {
        const server = await start(starting(ca.good, behind));
        await expect(open(upstreamOf(server, { tls: 'starttls' }))).rejects.toMatchObject({
          kind: 'untrusted',
          message: expect.stringContaining('in clear'),
        });
        expect(heard).toHaveLength(1);
        await until('nothing stays open', () => server.open === 0);
      },
    );

    it.each(['NO not here', 'BAD what?'])('gets no password in clear when it answers %s', async answer => {
      const server = await start(connection =>
        serve(connection, PLAIN_LOGIN, {
          STARTTLS: tag => `${tag} ${answer}\r\n`,
          AUTHENTICATE: tag => {
            heard.push('AUTHENTICATE');
            return `${tag} OK done\r\n`;
          },
        }),
      );
      await expect(open(upstreamOf(server, { tls: 'starttls' }))).rejects.toMatchObject({ kind: 'untrusted' });
      expect(heard).toEqual([]);
    });
  });
});
