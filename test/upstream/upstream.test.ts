import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { parseProxyHeader } from '../../src/net/proxy-protocol.ts';
import { ReadBuffers } from '../../src/net/read-buffers.ts';
import { Upstream, type UpstreamRequest, type UpstreamSession } from '../../src/upstream/upstream.ts';
import { until } from '../support/processes.ts';
import type { UpstreamConnection } from '../support/scripted-upstream.ts';
import { MailServer, type Script, serve, upstreamConfig } from './mail-server.ts';

const REQUEST: UpstreamRequest = {
  identity: { login: 'ada', password: 'secret', authorize: '', user: 'ada' },
  client: { source: { address: '192.0.2.1', port: 12345 }, destination: { address: '198.51.100.2', port: 993 } },
  session: 'session-1',
};
const GREETING = '* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL+ ID] ready';
const WELL = { AUTHENTICATE: (tag: string) => `${tag} OK [CAPABILITY IMAP4rev1 IDLE] done\r\n` };

/** Serves logins like a well server, with some answers of its own. */
const well = (answers: Parameters<typeof serve>[2] = {}, greeting = GREETING): Script => {
  return connection => serve(connection, greeting, { ...WELL, LOGOUT: tag => `* BYE\r\n${tag} OK\r\n`, ...answers });
};

/** No answer before the other side gives up. */
const untilEnd = (connection: UpstreamConnection): Promise<string> => connection.ended(60_000).then(() => '');

describe('an upstream', () => {
  const servers: MailServer[] = [];
  const upstreams: Upstream[] = [];
  const sessions: UpstreamSession[] = [];
  const changes: string[] = [];

  afterEach(async () => {
    for (const upstream of upstreams.splice(0)) upstream.close();
    for (const { channel } of sessions.splice(0)) channel.destroy();
    for (const server of servers.splice(0)) await server.stop();
    changes.length = 0;
  });

  async function start(script: Script): Promise<MailServer> {
    const server = await MailServer.start(script);
    servers.push(server);
    return server;
  }

  function upstreamOf(from: readonly MailServer[], config: Partial<UpstreamConfig> = {}): Upstream {
    const addresses = from.map(({ address }) => address);
    const upstream = new Upstream('mail', upstreamConfig(addresses, config), {
      buffers: new ReadBuffers(),
      onServerChange: (server, up) => {
        const index = addresses.findIndex(({ port }) => server.endsWith(`:${port}`));
        changes.push(`${index} ${up ? 'up' : 'down'}`);
      },
    });
    upstreams.push(upstream);
    return upstream;
  }

  async function open(
    upstream: Upstream,
    request: Partial<UpstreamRequest> = {},
    signal = new AbortController().signal,
  ) {
    const session = await upstream.open({ ...REQUEST, ...request }, signal);
    sessions.push(session);
    return session;
  }

  it('logs in, and hands over the connection with all that came behind the answer', async () => {
    const server = await start(
      well({
        AUTHENTICATE: tag =>
          `* OK [ALERT] disk\r\n* 3 EXISTS\r\n${tag} OK [CAPABILITY IMAP4rev1 IDLE] done\r\n* OK [ALERT] late\r\n`,
        NOOP: tag => `${tag} OK\r\n`,
      }),
    );
    const { channel, server: name, capabilities, alerts, rest } = await open(upstreamOf([server]));
    expect(name).toBe(`127.0.0.1:${server.address.port}`);
    expect(String(capabilities)).toBe('IMAP4rev1 IDLE');
    expect(Buffer.concat(alerts).toString()).toBe('* OK [ALERT] disk\r\n');
    const behind = [...rest];
    while (!Buffer.concat(behind).includes('late')) {
      const bytes = await channel.read();
      if (!bytes) break;
      behind.push(bytes);
    }
    expect(Buffer.concat(behind).toString()).toBe('* OK [ALERT] late\r\n');
    await channel.write('x NOOP\r\n');
    expect(String(await channel.read())).toBe('x OK\r\n');
  });

  it('passes on an alert that came with the answer itself', async () => {
    const server = await start(
      well({
        AUTHENTICATE: tag => `${tag} ok [alert] your password expires\r\n`,
        CAPABILITY: tag => `* CAPABILITY IMAP4rev1\r\n${tag} OK\r\n`,
      }),
    );
    const { alerts, capabilities } = await open(upstreamOf([server]));
    expect(Buffer.concat(alerts).toString()).toBe('* ok [alert] your password expires\r\n');
    // What it can after login it did not say, and was asked.
    expect(String(capabilities)).toBe('IMAP4rev1');
  });

  describe('with several servers', () => {
    it('takes the next one while the first is dead, and the first again when it is back', async () => {
      const first = await start(well());
      const second = await start(well());
      const upstream = upstreamOf([first, second], { retry: 50 });
      const { port } = first.address;
      await first.stop();
      expect((await open(upstream)).server).toBe(`127.0.0.1:${second.address.port}`);
      expect(upstream.servers()).toMatchObject([
        { state: 'down', reason: expect.stringMatching(/REFUSED/) },
        { state: 'up' },
      ]);
      expect(changes).toEqual(['0 down']);
      expect((await open(upstream)).server).toBe(`127.0.0.1:${second.address.port}`);
      const again = await MailServer.start(well(), { port });
      servers.push(again);
      await until('the first is back', () => changes.includes('0 up'));
      expect((await open(upstream)).server).toBe(`127.0.0.1:${port}`);
    });

    it.each([
      ['says BYE', (async connection => connection.write('* BYE busy\r\n')) satisfies Script],
      ['hangs up', (async () => {}) satisfies Script],
      ['is none of IMAP', (async connection => connection.write('+OK POP3\r\n')) satisfies Script],
      ['lets nobody in', well({}, '* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready') satisfies Script],
      ['is unavailable', well({ AUTHENTICATE: tag => `${tag} NO [UNAVAILABLE] later\r\n` }) satisfies Script],
      ['drops the login', well({ AUTHENTICATE: () => Promise.reject(new Error('gone')) }) satisfies Script],
    ])('passes over one that %s', async (_, script) => {
      const upstream = upstreamOf([await start(script), await start(well())]);
      await open(upstream);
      expect(changes).toEqual(['0 down']);
    });

    it('passes over one that never answers, within the time-out', async () => {
      const silent = await start(connection => connection.ended(60_000));
      const upstream = upstreamOf([silent, await start(well())], { timeout: 100 });
      await open(upstream);
      expect(changes).toEqual(['0 down']);
      await until('the connection is closed', () => silent.open === 0);
    });

    it.each(['LIMIT', 'INUSE', 'SERVERBUG'])('thinks no worse of one that has a user’s [%s]', async code => {
      const upstream = upstreamOf([
        await start(well({ AUTHENTICATE: tag => `${tag} NO [${code}] not you\r\n` })),
        await start(well()),
      ]);
      await open(upstream);
      expect(changes).toEqual([]);
    });

    it('asks no other one about a login that was refused', async () => {
      const second = await start(well());
      const upstream = upstreamOf([await start(well({ AUTHENTICATE: tag => `${tag} NO no\r\n` })), second]);
      await expect(open(upstream)).rejects.toMatchObject({ kind: 'refused' });
      expect(second.connections).toBe(0);
      expect(changes).toEqual([]);
    });

    it('tries the dead, too, when there is nobody else, and says why each failed', async () => {
      const dead = [await start(well()), await start(well())];
      const upstream = upstreamOf(dead);
      for (const server of dead) await server.stop();
      for (let count = 0; count < 2; count += 1) {
        await expect(open(upstream)).rejects.toMatchObject({
          kind: 'unavailable',
          message: expect.stringMatching(/REFUSED/),
        });
      }
      expect(changes).toEqual(['0 down', '1 down']);
    });
  });

  describe('whose client leaves', () => {
    it.each([
      ['before the greeting', (connection => connection.ended(60_000)) satisfies Script],
      [
        'before the answer',
        (connection => serve(connection, GREETING, { AUTHENTICATE: () => untilEnd(connection) })) satisfies Script,
      ],
      [
        'while capabilities are asked for',
        (connection => serve(connection, '* OK ready', { CAPABILITY: () => untilEnd(connection) })) satisfies Script,
      ],
    ])('is let go %s, at once and without blame', async (_, script) => {
      const server = await start(script);
      const second = await start(well());
      const upstream = upstreamOf([server, second], { timeout: 60_000 });
      const leaving = new AbortController();
      const opening = open(upstream, {}, leaving.signal);
      const outcome = expect(opening).rejects.toThrow('the client left');
      await until('it has come so far', () => server.open === 1);
      await sleep(50);
      leaving.abort(new Error('the client left'));
      await outcome;
      await until('the connection is closed', () => server.open === 0);
      expect(changes).toEqual([]);
      expect(second.connections).toBe(0);
    });

    it('does not connect at all when it has left already', async () => {
      const server = await start(well());
      await expect(open(upstreamOf([server]), {}, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
      expect(server.connections).toBe(0);
    });

    it('has nothing to do with what happens after the login', async () => {
      const server = await start(well());
      const leaving = new AbortController();
      const { channel } = await open(upstreamOf([server]), {}, leaving.signal);
      leaving.abort();
      await sleep(20);
      expect(channel.closed).toBe(false);
    });
  });

  describe('asked what it can', () => {
    it.each([
      [['LITERAL+'], 'LITERAL+'],
      [['LITERAL-'], 'LITERAL-'],
      [['LITERAL+', 'LITERAL-'], 'LITERAL-'],
      [['LITERAL+', ''], undefined],
      [[''], undefined],
    ])('takes literals as all servers do: %j', async (each, literals) => {
      const upstream = upstreamOf(
        await Promise.all(each.map(one => start(well({}, `* OK [CAPABILITY IMAP4rev1 ${one}] ready`)))),
      );
      expect(upstream.literals()).toBeUndefined();
      await upstream.start();
      expect(upstream.literals()).toBe(literals);
      expect(upstream.servers().map(({ state }) => state)).toEqual(each.map(() => 'up'));
    });

    it('knows of no literals while one server has not been asked', async () => {
      const dead = await start(well());
      const upstream = upstreamOf([await start(well()), dead]);
      await dead.stop();
      await upstream.start();
      expect(upstream.literals()).toBeUndefined();
    });

    it('holds nothing open once it is closed', async () => {
      const silent = await start(connection => connection.ended(60_000));
      const upstream = upstreamOf([silent], { timeout: 60_000 });
      const started = upstream.start();
      await until('it is asked', () => silent.open === 1);
      upstream.close();
      await started;
      await until('the connection is closed', () => silent.open === 0);
      expect(changes).toEqual([]);
    });
  });

  it('refuses a server that offers UNAUTHENTICATE, unless told otherwise', async () => {
    const script = well({ AUTHENTICATE: tag => `${tag} OK [CAPABILITY IMAP4rev1 UNAUTHENTICATE] done\r\n` });
    const server = await start(script);
    await expect(open(upstreamOf([server]))).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining('allow_unauthenticate'),
    });
    await until('the connection is closed', () => server.open === 0);
    expect((await open(upstreamOf([server], { allow_unauthenticate: true }))).capabilities.has('UNAUTHENTICATE')).toBe(
      true,
    );
  });

  describe('told who the client is', () => {
    const NOBODY = { source: { address: '', port: 0 }, destination: { address: '', port: 0 } };

    async function told(config: Partial<UpstreamConfig>, request: Partial<UpstreamRequest> = {}) {
      const heard: string[] = [];
      const server = await start(async connection => {
        if (config.pass_client_address?.includes('proxy-v2')) {
          const head = await connection.readBytes(16);
          heard.push(head + (await connection.readBytes(head.charCodeAt(14) * 256 + head.charCodeAt(15))));
        }
        await serve(connection, GREETING, {
          ...WELL,
          ID: (tag, rest) => {
            heard.push(rest);
            return `* ID NIL\r\n${tag} OK\r\n`;
          },
        });
      });
      await open(upstreamOf([server], config), request);
      return heard;
    }

    it('by ID', async () => {
      expect(await told({ pass_client_address: ['id'] })).toEqual([
        '("x-session-id" "session-1" "x-originating-ip" "192.0.2.1" "x-originating-port" "12345" ' +
          '"x-connected-ip" "198.51.100.2" "x-connected-port" "993" "x-proxy-ttl" "5")',
      ]);
      expect(await told({ pass_client_address: ['id'] }, { client: NOBODY })).toEqual([
        '("x-session-id" "session-1" "x-proxy-ttl" "5")',
      ]);
    });

    it('by a PROXY header', async () => {
      const [header = ''] = await told({ pass_client_address: ['proxy-v2'] });
      expect(parseProxyHeader(Buffer.from(header, 'latin1'))).toMatchObject({
        kind: 'header',
        address: REQUEST.client,
      });
      const [local = ''] = await told({ pass_client_address: ['proxy-v2'] }, { client: NOBODY });
      expect(parseProxyHeader(Buffer.from(local, 'latin1'))).toMatchObject({ kind: 'header', address: undefined });
    });

    it('by nothing, unless configured', async () => {
      expect(await told({})).toEqual([]);
    });
  });
});
