import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts } from '../support/free-ports.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { auditOf, clear, complaints, nobodyLeft, RelayStand, tls } from '../support/relay-stand.ts';

const stand = new RelayStand();
afterEach(() => stand.close());

const UNAVAILABLE = /^t\d+ NO \[UNAVAILABLE\] /;
/** Long enough for a busy machine, short enough to wait for. */
const TIMEOUT_MS = 3000;
const SHORT = { connect_timeout: `${TIMEOUT_MS}ms`, timeout: `${TIMEOUT_MS}ms`, retry: '200ms' };
/** Of clients: longer than what they wait for. */
const PATIENT = { timeout: 6 * TIMEOUT_MS };

/** What a client is told, and what the audit log is. */
async function logIn(postern: RunningPostern, password = 'secret', user = 'alice') {
  const client = await stand.client(postern, 'implicit', PATIENT);
  const { tagged } = await client.command(`LOGIN ${user} ${password}`);
  // Refused or not, the connection is still there.
  expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
  const audit = await auditOf(postern, client);
  client.close();
  return { tagged, audit };
}

for (const kind of ['plaintext', 'TLS'] as const) {
  const upstreamOf = kind === 'TLS' ? tls : clear;

  describeWithPeers(['dovecot', 'openssl'], `a Dovecot that fails, ${kind}`, () => {
    it('killed: clients in the middle of a message and idle ones see their connections end, and no more', async () => {
      const dovecot = await stand.dovecot();
      const postern = await stand.postern({ upstreams: { store: upstreamOf(dovecot, SHORT) } });
      dovecot.deliver('alice', `Subject: big\r\n\r\n${'x'.repeat(98).concat('\r\n').repeat(300_000)}`);
      const reading = await Promise.all(
        (['implicit', 'starttls', 'none'] as const).map(async listener => {
          const client = await stand.login(postern, 'alice', { tls: listener });
          await client.command('SELECT INBOX');
          await client.send('f FETCH 1 BODY.PEEK[]');
          await client.waitFor(/\{\d+\}\r\n/);
          client.socket.pause();
          return client;
        }),
      );
      const writing = await stand.login(postern, 'alice');
      await writing.send('a APPEND INBOX {1000000}');
      await writing.waitFor(/^\+ .*\r\n/m);
      await writing.write('y'.repeat(500_000));
      const idle = await stand.login(postern, 'bob');
      await idle.command('SELECT INBOX');
      await idle.send('i IDLE');
      await idle.waitFor(/^\+ .*\r\n/m);
      const quiet = await stand.login(postern, 'bob', { tls: 'none' });
      await dovecot.kill();
      for (const client of reading) client.socket.resume();
      for (const client of [...reading, writing, idle, quiet]) {
        const rest = await client.readToEnd();
        expect(rest).not.toMatch(/f OK|a OK|SERVERBUG/);
        await client.closed;
      }
      await nobodyLeft(postern);
      expect(postern.log.filter(({ msg }) => msg === 'session ended')).toHaveLength(6);
      expect((await logIn(postern)).tagged).toMatch(UNAVAILABLE);
      await dovecot.start();
      await until('it takes logins again', async () => (await logIn(postern)).tagged.includes(' OK '));
      expect(complaints(postern)).toEqual([]);
    });

    it('dead: logins are told so at once, and it is found again', async () => {
      const dovecot = await stand.dovecot();
      await dovecot.kill();
      const postern = await stand.postern({ upstreams: { store: upstreamOf(dovecot, SHORT) } });
      const { tagged, audit } = await logIn(postern);
      expect(tagged).toMatch(UNAVAILABLE);
      expect(audit).toMatchObject({ outcome: 'upstream-unavailable', upstream: 'store', login: 'alice' });
      expect(audit.detail).toContain('ECONNREFUSED');
      expect((await postern.cli('status')).stdout).toMatch(/upstream +store .*down: .*ECONNREFUSED/);
      await dovecot.start();
      await postern.waitForLog(({ msg }) => msg === 'server is back');
      expect((await logIn(postern)).tagged).toMatch(/ OK /);
      expect(complaints(postern)).toEqual([]);
    });

    it('frozen: logins are told within the time-out, and it is found again', async () => {
      const dovecot = await stand.dovecot();
      const postern = await stand.postern({ upstreams: { store: upstreamOf(dovecot, SHORT) } });
      expect((await logIn(postern)).tagged).toMatch(/ OK /);
      dovecot.freeze();
      const clients = await Promise.all(Array.from({ length: 10 }, () => stand.client(postern, 'implicit', PATIENT)));
      const before = performance.now();
      const answers = await Promise.all(clients.map(client => client.command('LOGIN alice secret')));
      // Waited for, not given up at once; that it is not waited for longer is for the clients to say.
      expect(performance.now() - before).toBeGreaterThan(TIMEOUT_MS - 100);
      for (const [index, client] of clients.entries()) {
        expect(answers[index]?.tagged).toMatch(UNAVAILABLE);
        expect(await auditOf(postern, client)).toMatchObject({ outcome: 'upstream-unavailable' });
      }
      dovecot.thaw();
      await postern.waitForLog(({ msg }) => msg === 'server is back');
      expect((await logIn(postern)).tagged).toMatch(/ OK /);
      expect(complaints(postern)).toEqual([]);
    });

    it('that refuses a password which the directory took: told apart in the audit log only', async () => {
      const dovecot = await stand.dovecot({ users: { alice: 'another', bob: 'secret' } });
      const postern = await stand.postern({ upstreams: { store: upstreamOf(dovecot, SHORT) } });
      const refused = await logIn(postern);
      expect(refused.tagged).toMatch(/ NO \[AUTHENTICATIONFAILED\] /);
      expect(refused.audit).toMatchObject({ outcome: 'upstream-refused', server: expect.any(String) });
      const wrong = await logIn(postern, 'wrong');
      expect(wrong.audit).toMatchObject({ outcome: 'bad-password' });
      expect(wrong.tagged).toBe(refused.tagged);
      expect((await logIn(postern, 'secret', 'bob')).tagged).toMatch(/ OK /);
      // A user's wrong password says nothing of the server.
      expect((await postern.cli('status')).stdout).not.toMatch(/\bdown\b/);
    });
  });
}

describe('a server that is no IMAP server', () => {
  it.each([
    ['speaks something else', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['hangs up at once', ''],
    ['says BYE', '* BYE too busy\r\n'],
    ['is logged in already', '* PREAUTH welcome\r\n'],
    ['never ends a line', 'x'.repeat(200_000)],
    ['announces a huge literal', '* OK {999999999999}\r\n* LIST {99999999999}\r\n'],
  ])('%s', async (_title, greeting) => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      socket.end(greeting, 'latin1');
    });
    const [port = 0] = await freePorts(1);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    stand.onClose(() => server.close());
    const servers = [`127.0.0.1:${port}`];
    const postern = await stand.postern({ upstreams: { store: { servers, tls: 'none', ...SHORT } } });
    const { tagged, audit } = await logIn(postern);
    expect(tagged).toMatch(UNAVAILABLE);
    expect(audit).toMatchObject({ outcome: 'upstream-unavailable' });
    expect(complaints(postern)).toEqual([]);
  });
});
