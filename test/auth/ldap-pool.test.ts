import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from '../../src/auth/ldap/connection.ts';
import { ServerFailure } from '../../src/auth/ldap/failure.ts';
import { Pool } from '../../src/auth/ldap/pool.ts';
import { openSocket } from '../../src/auth/ldap/transport.ts';
import { OutgoingTlsContext } from '../../src/net/outgoing-tls.ts';
import { ldapAnswers } from '../support/ldap-answers.ts';
import { ldapConfig } from '../support/ldap-config.ts';
import { LdapServer } from '../support/ldap-server.ts';
import { until } from '../support/processes.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const never = new AbortController().signal;
const soon = () => performance.now() + 2000;

/** A pool of at most two connections to a real server, with a clock of its own. */
async function pool() {
  const server = await LdapServer.start({ handler: ldapAnswers() });
  cleanups.push(() => server.stop());
  const context = new OutgoingTlsContext(await ldapConfig({ servers: [server.port] }));
  const clock = { now: 0 };
  const opened = new Pool({
    size: 2,
    idle: 1000,
    age: 5000,
    now: () => clock.now,
    async open() {
      const socket = await openSocket({ host: '127.0.0.1', port: server.port }, 'none', context, soon());
      return new Connection(socket, 'test', clock.now);
    },
  });
  cleanups.push(() => opened.close());
  const bind = (signal = never, deadline = soon()) =>
    opened.use(connection => connection.bind('uid=u1', 'secret', soon()), deadline, signal);
  return { server, clock, opened, bind };
}

/** Work that goes on until it is told to end. */
function work() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { until: () => promise, end: () => resolve() };
}

describe('a pool', () => {
  it('lends one connection again and again', async () => {
    const { server, opened, bind } = await pool();
    for (let round = 0; round < 5; round += 1) await bind();
    expect(server.connections).toBe(1);
    expect(opened.size).toBe(1);
  });

  it('never has more than its size, and hands on what is given back', async () => {
    const { server, opened, bind } = await pool();
    await Promise.all(Array.from({ length: 20 }, () => bind()));
    expect(server.connections).toBe(2);
    expect(opened.size).toBe(2);
  });

  it('closes connections that were not used for long', async () => {
    const { server, clock, opened, bind } = await pool();
    await bind();
    clock.now = 999;
    opened.sweep();
    expect(opened.size).toBe(1);
    clock.now = 1001;
    opened.sweep();
    expect(opened.size).toBe(0);
    await until('it is closed', () => server.open === 0);
    expect(server.requests.at(-1)).toMatchObject({ kind: 'unbind' });
  });

  it('replaces old connections even when they are used all the time', async () => {
    const { server, clock, bind } = await pool();
    for (clock.now = 0; clock.now <= 12_000; clock.now += 500) await bind();
    expect(server.connections).toBe(3);
  });

  it('replaces old connections also when somebody always waits for one', async () => {
    const { server, clock, opened, bind } = await pool();
    const long = [work(), work()];
    const working = long.map(({ until: ended }) => opened.use(ended, soon(), never));
    await until('both are lent', () => opened.size === 2);
    const next = bind();
    clock.now = 5001;
    for (const { end } of long) end();
    expect(await next).toMatchObject({ result: { code: 0 } });
    await Promise.all(working);
    expect(server.connections).toBe(3);
  });

  it('forgets a connection that the server closes', async () => {
    const { server, opened, bind } = await pool();
    await bind();
    server.dropAll();
    await until('it is forgotten', () => opened.size === 0);
    await bind();
    expect(server.connections).toBe(2);
  });

  it('gives up waiting in time, and says that it was only busy', async () => {
    const { opened, bind } = await pool();
    const long = [work(), work()];
    const working = long.map(({ until: ended }) => opened.use(ended, soon(), never));
    await until('both are lent', () => opened.size === 2);
    await expect(bind(never, performance.now() + 30)).rejects.toMatchObject({ kind: 'busy' });
    for (const { end } of long) end();
    await Promise.all(working);
    await bind();
  });

  it('hands nothing to who has gone', async () => {
    const { opened, bind } = await pool();
    const long = [work(), work()];
    const working = long.map(({ until: ended }) => opened.use(ended, soon(), never));
    await until('both are lent', () => opened.size === 2);
    const controller = new AbortController();
    const gone = bind(controller.signal);
    const next = bind();
    controller.abort(new Error('gone'));
    for (const { end } of long) end();
    await expect(gone).rejects.toThrow('gone');
    expect(await next).toMatchObject({ result: { code: 0 } });
    await Promise.all(working);
  });

  it('tells all who wait that the server failed', async () => {
    const { opened, bind } = await pool();
    const long = [work(), work()];
    const working = long.map(({ until: ended }) => opened.use(ended, soon(), never));
    await until('both are lent', () => opened.size === 2);
    const waiting = Promise.allSettled([bind(), bind()]);
    opened.fail(new ServerFailure('timeout', 'it is dead'));
    expect(await waiting).toMatchObject([{ reason: { message: 'it is dead' } }, { reason: { message: 'it is dead' } }]);
    for (const { end } of long) end();
    await Promise.all(working);
  });

  it('tries to connect once for all who wait', async () => {
    const { server, bind } = await pool();
    await server.stop();
    cleanups.splice(0, 1);
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => bind()));
    expect(answers).toMatchObject(answers.map(() => ({ reason: { kind: 'unavailable' } })));
    const reasons = new Set(answers.map(answer => (answer.status === 'rejected' ? answer.reason : undefined)));
    expect(reasons.size).toBe(1);
  });

  it('does work again that a server cut off, but not work that failed', async () => {
    const { server, opened, bind } = await pool();
    await bind();
    let attempts = 0;
    const cut = opened.use(
      async connection => {
        attempts += 1;
        if (attempts === 1) server.handler = (_, { socket }) => socket.destroy();
        else server.handler = ldapAnswers();
        return connection.bind('uid=u1', 'secret', soon());
      },
      soon(),
      never,
    );
    expect(await cut).toMatchObject({ result: { code: 0 } });
    expect(attempts).toBe(2);
    const failing = opened.use(
      async () => {
        attempts += 1;
        throw new Error('no');
      },
      soon(),
      never,
    );
    await expect(failing).rejects.toThrow('no');
    expect(attempts).toBe(3);
  });

  it('takes in a connection only while it has room', async () => {
    const { server, opened, bind } = await pool();
    await Promise.all([bind(), bind(), bind()]);
    const context = new OutgoingTlsContext(await ldapConfig({ servers: [server.port] }));
    const socket = await openSocket({ host: '127.0.0.1', port: server.port }, 'none', context, soon());
    const third = new Connection(socket, 'test', 0);
    opened.adopt(third);
    expect(third.usable).toBe(false);
    expect(opened.size).toBe(2);
  });
});

describe('a connection', () => {
  it('does one operation at a time, and no bind that proves nothing', async () => {
    const { opened } = await pool();
    await opened.use(
      async connection => {
        const first = connection.bind('uid=u1', 'secret', soon());
        await expect(connection.bind('uid=u2', 'secret', soon())).rejects.toThrow('one operation at a time');
        expect(await first).toMatchObject({ result: { code: 0 } });
        await expect(connection.bind('', 'secret', soon())).rejects.toThrow('proves nothing');
        await expect(connection.bind('uid=u1', '', soon())).rejects.toThrow('proves nothing');
      },
      soon(),
      never,
    );
  });
});
