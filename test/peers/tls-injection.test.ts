import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

/** CVE-2011-0411: what somebody in between adds in clear must never be taken for what the client said over TLS. */
describe('bytes in clear behind STARTTLS', () => {
  let upstream: ScriptedUpstream;
  let postern: RunningPostern;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start();
    upstream.expectProbe();
    const config = await staticDoor({ upstream: upstream.port, more: { admin: { http: '127.0.0.1:0' } } });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  });

  afterAll(async () => {
    await postern?.remove();
    await upstream?.stop();
  });

  const connect = () => ImapClient.connect({ port: postern.port('starttls') });
  const injections = async (): Promise<number> => {
    const address = String(postern.log.find(({ msg }) => msg === 'ready')?.adminHttp);
    const text = await (await fetch(`http://${address}/metrics`)).text();
    return Number(/^postern_starttls_injections_total (\d+)/m.exec(text)?.[1]);
  };

  it.each([
    ['a command', 'b NOOP\r\n'],
    ['a login', 'b LOGIN alice secret\r\n'],
    ['the begin of a command', 'b ID ("name" "'],
    ['a literal that would swallow what comes over TLS', 'b LOGIN {100+}\r\n'],
    ['a mechanism that would wait for the next line', 'b AUTHENTICATE PLAIN\r\n'],
    ['a line end', '\r\n'],
    ['much', `b NOOP\r\n${'c NOOP\r\n'.repeat(2000)}`],
  ])('%s in the same packet: never carried out, counted and audited', async (_, injected) => {
    const before = await injections();
    const from = postern.log.length;
    const client = await connect();
    await client.write(`a STARTTLS\r\n${injected}`);
    expect(await client.readLine()).toBe('a OK Begin TLS negotiation now.');
    await client.handshake();
    await client.send('z NOOP');
    expect(await client.readLine()).toBe('z OK NOOP completed.');
    expect(client.unread).toBe('');
    const { localPort } = client.socket;
    client.close();
    const audit = await postern.waitForLog(line => line.audit === 'starttls-injection', { from });
    expect(audit).toMatchObject({ level: 'warn', listener: 'starttls', address: '127.0.0.1', bytes: injected.length });
    expect(await injections()).toBe(before + 1);
    expect(postern.log.some(({ audit, port }) => audit === 'login' && port === localPort)).toBe(false);
    expect(upstream.connections).toEqual([]);
  });

  it('in a packet of their own: the handshake fails, and nothing is answered', async () => {
    const client = await connect();
    await client.send('a STARTTLS');
    expect(await client.readLine()).toBe('a OK Begin TLS negotiation now.');
    await client.send('b LOGIN alice secret');
    await client.send('c NOOP');
    const rest = await client.readToEnd();
    expect(rest).not.toMatch(/ OK | NO | BAD /);
    await client.closed;
    expect(upstream.connections).toEqual([]);
  });

  it('none: nothing is counted', async () => {
    const before = await injections();
    const client = await ImapClient.connect({ port: postern.port('starttls'), tls: 'starttls' });
    expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
    client.close();
    expect(await injections()).toBe(before);
  });

  it('a client that never begins the handshake is let go', async () => {
    const impatient = await startPostern(await staticDoor({ limits: { handshake: '1s' } }), {
      files: { 'users.yaml': usersFile([ALICE]) },
    });
    try {
      const client = await ImapClient.connect({ port: impatient.port('starttls') });
      await client.send('a STARTTLS');
      expect(await client.readLine()).toBe('a OK Begin TLS negotiation now.');
      expect(await client.readToEnd()).toBe('');
      await until('the session is gone', async () => {
        const { stdout } = await impatient.cli('sessions', '--json');
        return !stdout.includes('"listener":"starttls"');
      });
    } finally {
      await impatient.remove();
    }
  });
});
