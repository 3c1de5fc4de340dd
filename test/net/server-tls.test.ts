import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { DAY, TlsFixture } from './tls-fixture.ts';

const fixture = await TlsFixture.make();
afterEach(() => {
  vi.useRealTimers();
  fixture.quiesce();
});
afterAll(() => fixture[Symbol.dispose]());

describe('choice of the certificate', () => {
  it('goes by SNI: exact, wildcard of one label, else the first', async () => {
    const { serverTls } = await fixture.load([
      await fixture.renew('first', 'first.example'),
      await fixture.renew('wild', '*.example.org'),
      await fixture.renew('mail', 'mail.example.org'),
    ]);
    const { port } = await fixture.listen(serverTls);
    const shown = async (servername?: string) => (await fixture.visit(port, servername ? { servername } : {})).name;
    expect(await shown()).toBe('first.example');
    expect(await shown('mail.example.org')).toBe('mail.example.org');
    expect(await shown('MAIL.example.org')).toBe('mail.example.org');
    expect(await shown('imap.example.org')).toBe('*.example.org');
    expect(await shown('a.b.example.org')).toBe('first.example');
    expect(await shown('example.org')).toBe('first.example');
    expect(await shown('unknown.example')).toBe('first.example');
  });

  it('is the same for a socket upgraded by STARTTLS', async () => {
    const { serverTls } = await fixture.load([
      await fixture.renew('a', 'a.example'),
      await fixture.renew('b', 'b.example'),
    ]);
    const upgraded = await fixture.listenForUpgrade(serverTls);
    const shown = (servername: string) => fixture.visit(upgraded.port, { servername, ALPNProtocols: ['imap'] });
    expect(await shown('b.example')).toMatchObject({ name: 'b.example', text: 'hello over imap\r\n' });
    expect(await shown('other.example')).toMatchObject({ name: 'a.example' });
  });
});

describe('protocol', () => {
  it('takes clients with ALPN imap and without ALPN, and refuses those for something else', async () => {
    const { serverTls } = await fixture.load([await fixture.renew('a', 'a.example')]);
    const { port } = await fixture.listen(serverTls);
    expect((await fixture.visit(port, { ALPNProtocols: ['imap'] })).text).toBe('hello over imap\r\n');
    expect((await fixture.visit(port, { ALPNProtocols: ['h2', 'imap'] })).text).toBe('hello over imap\r\n');
    expect((await fixture.visit(port)).text).toBe('hello over false\r\n');
    await expect(fixture.visit(port, { ALPNProtocols: ['http/1.1'] })).rejects.toThrow(/no application protocol/i);
  });

  it('refuses TLS 1.1, and 1.2 where 1.3 is the minimum', async () => {
    const pair = await fixture.renew('a', 'a.example');
    const { port } = await fixture.listen((await fixture.load([pair])).serverTls);
    const strict = await fixture.listen((await fixture.load([pair], { minimum: 'TLSv1.3' })).serverTls);
    expect(await openssl(port, '-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0')).toMatch(/alert protocol version/);
    expect(await openssl(port, '-tls1_2')).toMatch(/Protocol\s*: TLSv1.2/);
    expect(await openssl(port, '-tls1_3')).toMatch(/New, TLSv1.3/);
    expect(await openssl(strict.port, '-tls1_2')).toMatch(/alert protocol version/);
  });
});

async function openssl(port: number, ...args: string[]): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { stdio: 'pipe' });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      text += chunk.toString();
    });
  child.stdin.end();
  await once(child, 'close');
  return text;
}

describe('sessions', () => {
  const versions = ['TLSv1.2', 'TLSv1.3'] as const;

  it.each(versions)('resume by %s, under every name and on every listener', async version => {
    const { serverTls } = await fixture.load([
      await fixture.renew('a', 'a.example'),
      await fixture.renew('b', 'b.example'),
    ]);
    const [one, other, upgraded] = [
      await fixture.listen(serverTls),
      await fixture.listen(serverTls),
      await fixture.listenForUpgrade(serverTls),
    ];
    for (const servername of ['a.example', 'b.example', undefined]) {
      const options: ConnectionOptions = {
        minVersion: version,
        maxVersion: version,
        ...(servername ? { servername } : {}),
      };
      const first = await fixture.visit(one.port, options);
      expect(first.reused).toBe(false);
      if (!first.session) throw new Error('no session was given');
      expect((await fixture.visit(one.port, { ...options, session: first.session })).reused).toBe(true);
      expect((await fixture.visit(other.port, { ...options, session: first.session })).reused).toBe(true);
      expect((await fixture.visit(upgraded.port, { ...options, session: first.session })).reused).toBe(true);
    }
  });

  it.each(versions)('resume by %s in another process that has the same ticket keys', async version => {
    const pair = await fixture.renew('a', 'a.example');
    const ticketKeys = Buffer.alloc(48, 7);
    const one = await fixture.listen((await fixture.load([pair], { ticketKeys })).serverTls);
    const other = await fixture.listen((await fixture.load([pair], { ticketKeys })).serverTls);
    const stranger = await fixture.listen((await fixture.load([pair])).serverTls);
    const options: ConnectionOptions = { minVersion: version, maxVersion: version, servername: 'a.example' };
    const { session } = await fixture.visit(one.port, options);
    if (!session) throw new Error('no session was given');
    expect((await fixture.visit(other.port, { ...options, session })).reused).toBe(true);
    expect((await fixture.visit(stranger.port, { ...options, session })).reused).toBe(false);
  });

  it('begin anew when the ticket keys change, which they do daily', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let now = Date.now();
    const { serverTls } = await fixture.load([await fixture.renew('a', 'a.example')], { now: () => now });
    const { port } = await fixture.listen(serverTls);
    serverTls.start();
    const { session } = await fixture.visit(port);
    if (!session) throw new Error('no session was given');
    now += DAY - 1;
    vi.advanceTimersByTime(10_000);
    expect((await fixture.visit(port, { session })).reused).toBe(true);
    now += 1;
    vi.advanceTimersByTime(10_000);
    expect((await fixture.visit(port, { session })).reused).toBe(false);
  });

  it('keep keys that were given until others are given', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let now = Date.now();
    const keys = Buffer.alloc(48, 1);
    const { serverTls } = await fixture.load([await fixture.renew('a', 'a.example')], {
      now: () => now,
      ticketKeys: keys,
    });
    serverTls.start();
    now += 3 * DAY;
    vi.advanceTimersByTime(10_000);
    expect(serverTls.tlsOptions().ticketKeys).toEqual(keys);
    serverTls.setTicketKeys(Buffer.alloc(48, 2));
    expect(serverTls.tlsOptions().ticketKeys).toEqual(Buffer.alloc(48, 2));
  });
});
