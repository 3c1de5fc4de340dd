import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import type { UpstreamSession } from '../../src/upstream/upstream.ts';
import { UpstreamError } from '../../src/upstream/upstream-error.ts';
import { readToEnd, sha256 } from '../net/socket-pair.ts';
import { until } from '../support/processes.ts';
import { type OpenOptions, type OpenSession, SessionStand } from './session-stand.ts';

const LOGIN = 'a LOGIN ada secret\r\n';
const STARTTLS = { startTls: true, clear: false };

let stand: SessionStand;
beforeEach(() => {
  stand = new SessionStand();
});
afterEach(() => stand.close());

/** Opens a session and reads its greeting. */
async function greeted(options: OpenOptions = {}): Promise<OpenSession> {
  const session = await stand.open(options);
  await until('the greeting', () => session.heard().endsWith(' ready.\r\n'));
  return session;
}

const outcomes = (): unknown[] => stand.audit.filter(({ audit }) => audit === 'login').map(({ outcome }) => outcome);

/** Nothing of any session is left, and nothing went wrong that the log would call an error. */
async function nothingLeft(): Promise<void> {
  expect(stand.sessions.size).toBe(0);
  expect(await stand.gauges()).toEqual(Object.fromEntries(Object.keys(await stand.gauges()).map(mode => [mode, 0])));
  expect(stand.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
}

/** An upstream whose opening takes until it is let, and that sees whether anybody still waits. */
class SlowUpstream {
  signal: AbortSignal | undefined;
  server: Socket | undefined;
  readonly #opened = Promise.withResolvers<UpstreamSession>();

  readonly open: NonNullable<OpenOptions['open']> = (_request, signal) => {
    this.signal = signal;
    return this.#opened.promise;
  };

  get asked(): boolean {
    return this.signal !== undefined;
  }

  async let(): Promise<Socket> {
    const { session, server } = await stand.upstream();
    this.#opened.resolve(session);
    return server;
  }

  fail(error: unknown): void {
    this.#opened.reject(error);
  }
}

describe('a session during its login', () => {
  it.each(['kicked', 'too slow'])(
    'that is %s says BYE, and its mail is not opened for what it pipelined',
    async why => {
      const slow = new SlowUpstream();
      const { client, heard, done } = await greeted({
        open: slow.open,
        ...(why === 'too slow' ? { limits: { authenticate: 300 } } : {}),
      });
      client.write(`${LOGIN}b SELECT INBOX\r\n`);
      await until('the login is under way', () => slow.asked);
      if (why === 'kicked') stand.sessions.kick({ login: 'ada' }, 'Enough.');
      const text = why === 'kicked' ? 'Enough.' : 'Login took too long.';
      await until('the goodbye', () => heard().endsWith(`* BYE [UNAVAILABLE] ${text}\r\n`));
      const server = await slow.let();
      const told = readToEnd(server);
      client.end();
      await done;
      expect(await told).toBe('');
      expect(heard()).not.toContain('a OK');
      await nothingLeft();
    },
  );

  it.each(['resets', 'leaves after a goodbye'])('whose client %s waits for no upstream', async how => {
    const slow = new SlowUpstream();
    const { client, done } = await greeted({ open: slow.open });
    client.write(LOGIN);
    await until('the login is under way', () => slow.asked);
    if (how === 'resets') client.resetAndDestroy();
    else {
      stand.sessions.kick({ login: 'ada' }, 'Enough.');
      client.destroy();
    }
    await until('the upstream is told', () => slow.signal?.aborted === true);
    slow.fail(slow.signal?.reason);
    await done;
    expect(outcomes()).toEqual(['aborted']);
    await nothingLeft();
  });

  it('closes an upstream that is there just after the client left', async () => {
    const slow = new SlowUpstream();
    const { client, done } = await greeted({ open: slow.open });
    client.write(LOGIN);
    await until('the login is under way', () => slow.asked);
    client.resetAndDestroy();
    await until('the upstream is told', () => slow.signal?.aborted === true);
    const server = await slow.let();
    expect(await readToEnd(server)).toBe('');
    await done;
    expect(outcomes()).toEqual(['aborted']);
    await nothingLeft();
  });

  it('tells the client nothing of what went wrong inside, and goes on', async () => {
    const detail = 'mail7.internal:993 said secret things';
    const failures: [unknown, string][] = [
      [new UpstreamError('unavailable', detail), 'NO [UNAVAILABLE]'],
      [new UpstreamError('refused', detail), 'NO [AUTHENTICATIONFAILED]'],
      [new MailError('contact-admin', detail), 'NO [CONTACTADMIN]'],
      [new TypeError(detail), 'NO [SERVERBUG]'],
    ];
    const next = failures.map(([error]) => error);
    const { client, heard, done } = await greeted({
      open: async () => {
        const error = next.shift();
        if (error) throw error;
        const { session, server } = await stand.upstream();
        server.resume().on('end', () => server.end());
        return session;
      },
    });
    for (const [, answer] of failures) {
      client.write(LOGIN);
      await until('the answer', () => heard().includes(`a ${answer}`));
    }
    expect(heard()).not.toContain('mail7');
    expect(heard()).not.toContain('secret');
    expect(outcomes()).toEqual(['upstream-unavailable', 'upstream-refused', 'no-route', 'error']);
    expect(stand.log.filter(({ level }) => Number(level) >= 50)).toMatchObject([{ err: { message: detail } }]);
    client.write(LOGIN);
    await until('it is in', () => heard().includes('a OK [CAPABILITY IMAP4rev1 IDLE]'));
    client.destroy();
    await done;
    expect(stand.sessions.size).toBe(0);
  });
});

describe('a session that is joined with its upstream', () => {
  it('sends on what was pipelined behind the login, in order, however much it is', async () => {
    const { session, server } = await stand.upstream();
    const { client, heard, done } = await greeted({ open: async () => session });
    const pipelined = randomBytes(3 * 1024 * 1024);
    const told: Buffer[] = [];
    server.on('data', (chunk: Buffer) => told.push(chunk));
    client.write(Buffer.concat([Buffer.from(LOGIN), pipelined.subarray(0, 100_000)]));
    for (let start = 100_000; start < pipelined.length; start += 50_001) {
      client.write(pipelined.subarray(start, start + 50_001));
    }
    client.end();
    await once(server, 'end');
    expect(sha256(Buffer.concat(told))).toBe(sha256(pipelined));
    server.end('* BYE\r\n');
    await done;
    expect(heard()).toMatch(/a OK \[.*\r\n\* BYE\r\n$/);
    await nothingLeft();
  });

  it('brings alerts before the answer, and what the upstream said behind it after', async () => {
    const { session, server } = await stand.upstream({
      alerts: [Buffer.from('* OK [ALERT] disk\r\n')],
      rest: [Buffer.from('* 1 EXI'), Buffer.from('STS\r\n')],
    });
    server.write('* 2 EXISTS\r\n');
    await until('it waits', () => session.channel.bytesIn > 0);
    const { client, heard, done } = await greeted({ open: async () => session });
    client.write(LOGIN);
    await until('everything is there', () => heard().endsWith('* 2 EXISTS\r\n'));
    expect(heard().split('\r\n').slice(1, -1)).toEqual([
      '* OK [ALERT] disk',
      'a OK [CAPABILITY IMAP4rev1 IDLE] Logged in.',
      '* 1 EXISTS',
      '* 2 EXISTS',
    ]);
    server.end();
    client.destroy();
    await done;
    await nothingLeft();
  });

  it.each([
    ['says BYE when it is kicked between two responses', '* 1 EXISTS\r\n', '* BYE Enough.\r\n'],
    ['says nothing when it is kicked within a literal', '* 1 FETCH (BODY[] {100}\r\nabc', ''],
    ['says nothing when it is kicked within a literal that came with the login', '', ''],
  ])('%s', async (_, said, goodbye) => {
    const rest = said === '' ? [Buffer.from('* 1 FETCH (BODY[] {100}\r\nabc')] : [];
    const { session, server } = await stand.upstream({ rest });
    const { client, heard, done } = await greeted({ open: async () => session });
    client.write(LOGIN);
    await until('it is in', () => heard().includes('a OK'));
    server.write(said);
    await until('it has come', () => heard().endsWith(said === '' ? 'abc' : said));
    const before = heard();
    const told = readToEnd(server);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    await once(client, 'end');
    expect(heard().slice(before.length)).toBe(goodbye);
    expect(await told).toBe('');
    client.end();
    server.end();
    await done;
    await nothingLeft();
  });

  it('says nothing when it is kicked in the flow of a literal, though a line has just ended', async () => {
    const { session, server } = await stand.upstream({ rest: [] });
    const { client, heard, done } = await greeted({ open: async () => session });
    client.write(LOGIN);
    await until('it is in', () => heard().includes('a OK'));
    server.write('* 1 FETCH (BODY[] {1000000}\r\n');
    const flow = setInterval(() => server.write('abc\r\n'), 5);
    await until('it flows', () => heard().endsWith('abc\r\nabc\r\n'));
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    await once(client, 'end');
    clearInterval(flow);
    expect(heard()).not.toContain('BYE');
    client.end();
    server.end();
    await done;
    await nothingLeft();
  });

  it('ends although neither side takes its leave when it is kicked', async () => {
    const { session, server } = await stand.upstream();
    const { client, heard, done } = await greeted({ open: async () => session });
    client.write(LOGIN);
    await until('it is in', () => heard().includes('a OK'));
    server.resume();
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    await done;
    await nothingLeft();
  });

  it('tells how it ended', async () => {
    const { session, server } = await stand.upstream();
    const { client, heard, done } = await greeted({ open: async () => session });
    client.write(LOGIN);
    await until('it is in', () => heard().includes('a OK'));
    server.resetAndDestroy();
    await done;
    expect(stand.log.find(({ msg }) => msg === 'session ended')).toMatchObject({
      session: 'session-1',
      login: 'ada',
      endedBy: 'upstream',
      error: expect.stringContaining('ECONNRESET'),
    });
    await nothingLeft();
  });
});

describe('a session at STARTTLS', () => {
  const secured = (client: Socket) => {
    client.removeAllListeners('data');
    return connectTls({ socket: client, rejectUnauthorized: false }).on('error', () => {});
  };

  async function started(options: OpenOptions = {}, behind = ''): Promise<OpenSession> {
    const session = await greeted({ mode: STARTTLS, ...options });
    session.client.write(`s STARTTLS\r\n${behind}`);
    await until('the answer', () => session.heard().includes('s OK'));
    return session;
  }

  it('goes on behind TLS', async () => {
    const { client, done } = await started();
    const tls = secured(client);
    let heard = '';
    tls.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    tls.write('b STARTTLS\r\nc LOGOUT\r\n');
    await done;
    expect(heard).toMatch(/^b BAD .*\r\n\* BYE .*\r\nc OK .*\r\n$/);
    await nothingLeft();
  });

  it.each(['an attack that succeeds in nothing', 'a handshake that never comes'])(
    'does nothing with what came in clear behind it, and says so: %s',
    async then => {
      const { client, done } = await started({ limits: { handshake: 200 } }, `${LOGIN}b NOOP\r\n`);
      if (then.startsWith('an attack')) {
        const tls = secured(client);
        let heard = '';
        tls.on('data', (chunk: Buffer) => {
          heard += chunk.toString();
        });
        tls.write('c LOGOUT\r\n');
        await done;
        expect(heard).toMatch(/^\* BYE .*\r\nc OK .*\r\n$/);
      } else await done;
      expect(stand.audit).toMatchObject([{ audit: 'starttls-injection', bytes: LOGIN.length + 8 }]);
      await nothingLeft();
    },
  );

  it('ends with a client that is lost before the answer could be written', async () => {
    const { client, done } = await greeted({ mode: STARTTLS, limits: { handshake: 200 } });
    client.write('s STARTTLS\r\n');
    client.resetAndDestroy();
    await done;
    // A rejection that nobody hears would end the process some time later.
    await sleep(300);
    await nothingLeft();
  });

  it.each(['resets', 'leaves', 'talks on in clear', 'is silent'])('ends with a client that %s', async how => {
    const { client, done } = await started({ limits: { handshake: 300 } });
    if (how === 'resets') client.resetAndDestroy();
    if (how === 'leaves') client.end();
    if (how === 'talks on in clear') client.write('b NOOP\r\n');
    await done;
    const failures = await stand.metrics.handshakeFailures.get();
    expect(failures.values.map(({ labels, value }) => [labels.reason, value])).toEqual([
      [how === 'is silent' ? 'timeout' : how === 'talks on in clear' ? 'not-tls' : 'closed', 1],
    ]);
    await nothingLeft();
  });

  it.each(['kicked', 'too slow'])('says nothing in clear when it is %s within the handshake', async why => {
    const session = await started(why === 'too slow' ? { limits: { authenticate: 300 } } : {});
    const { client, heard, done } = session;
    const before = heard();
    client.write(Buffer.from([0x16, 0x03, 0x01]));
    await sleep(20);
    if (why === 'kicked') stand.sessions.kick({ listener: 'test' }, 'Enough.');
    await done;
    expect(heard()).toBe(before);
    await nothingLeft();
  });
});
