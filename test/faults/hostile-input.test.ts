import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { startServedDoor } from '../support/served-door.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

const MEGABYTE = 1024 * 1024;
const GIGABYTE = 1024 * MEGABYTE;
/** More than what Node itself may take to move so many bytes; far less than the bytes. */
const MOST_GROWTH = 60 * MEGABYTE;

describe('more than anybody should say before login', () => {
  let upstream: ScriptedUpstream;
  let postern: RunningPostern;

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start();
    upstream.expectProbe();
    const config = await staticDoor({ upstream: upstream.port, limits: { bad_commands: 100_000 } });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
    // What a first connection brings into memory is not what hostile ones take.
    for (const tls of ['none', 'starttls', 'implicit'] as const) {
      const client = await ImapClient.connect({ port: postern.port(tls), tls });
      await client.logout();
    }
  });

  afterAll(async () => {
    await postern?.remove();
    await upstream?.stop();
  });

  const connect = (tls: 'none' | 'implicit' = 'none') => ImapClient.connect({ port: postern.port(tls), tls });

  /** Does it, sees that memory stayed level and that somebody else is answered. */
  async function unharmed(work: () => Promise<unknown>): Promise<void> {
    const before = postern.residentBytes();
    const peak = await postern.peakResidentBytes(work);
    expect(peak - before).toBeLessThan(MOST_GROWTH);
    const other = await connect();
    expect((await other.command('NOOP')).tagged).toMatch(/ OK /);
    await other.logout();
  }

  /** Writes until it is hung up on or has written so many bytes. */
  async function flood(client: ImapClient, bytes: number, chunk = Buffer.alloc(MEGABYTE, 0x28)): Promise<void> {
    const { socket } = client;
    if (socket.listenerCount('error') < 2) socket.on('error', () => {});
    for (let sent = 0; sent < bytes && !socket.destroyed; sent += chunk.length) {
      if (socket.write(chunk)) continue;
      const drained = new Promise<void>(resolve => socket.once('drain', resolve));
      await Promise.race([drained, client.closed]);
    }
  }

  it('1 GB that would have to be asked for is not asked for', () =>
    unharmed(async () => {
      const client = await connect();
      await client.send(`a LOGIN {${GIGABYTE}}`);
      expect(await client.readLine()).toBe('a BAD [TOOBIG] The literal is too big.');
      expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
      await client.logout();
    }));

  it.each(['none', 'implicit'] as const)('1 GB that comes unasked is hung up on (%s)', tls =>
    unharmed(async () => {
      const client = await connect(tls);
      await client.send(`a LOGIN {${GIGABYTE}+}`);
      const flooding = flood(client, GIGABYTE);
      expect(await client.readLine()).toBe('a BAD [TOOBIG] The literal is too big.');
      expect(await client.readLine()).toBe('* BYE [UNAVAILABLE] Too much to skip.');
      await client.closed;
      await flooding;
    }),
  );

  it('a hundred literals of just below 1 MB are read past', () =>
    unharmed(async () => {
      const client = await connect();
      for (let count = 0; count < 100; count += 1) {
        await client.send(`a LOGIN {${MEGABYTE}+}`);
        await flood(client, MEGABYTE);
        await client.send('');
        expect(await client.readLine()).toBe('a BAD [TOOBIG] The literal is too big.');
      }
      expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
      await client.logout();
    }));

  it('a line of 200 MB is not kept, and answered when it ends', () =>
    unharmed(async () => {
      const client = await connect();
      await client.write('a LOGIN ');
      await flood(client, 200 * MEGABYTE);
      await client.send('');
      expect(await client.readLine()).toBe('a BAD [TOOBIG] The line is too long.');
      expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
      await client.logout();
    }));

  it('100,000 nested parentheses are refused', () =>
    unharmed(async () => {
      const client = await connect();
      for (const command of ['ID', 'LOGIN', 'SEARCH', 'FETCH 1']) {
        await client.send(`a ${command} ${'('.repeat(100_000)}`);
        expect(await client.readLine()).toBe('a BAD [TOOBIG] The line is too long.');
      }
      await client.logout();
    }));

  it('100,000 short commands in one write are answered, however late anybody reads', () =>
    unharmed(async () => {
      const client = await connect();
      client.socket.pause();
      await client.write('a NOOP\r\n'.repeat(100_000));
      client.socket.resume();
      for (let count = 0; count < 100_000; count += 1) expect(await client.readLine()).toBe('a OK NOOP completed.');
      await client.logout();
    }));

  it('a client that never reads its answers stops being read, and costs no memory', () =>
    unharmed(async () => {
      const client = await connect();
      client.socket.pause();
      const flooding = flood(client, 200 * MEGABYTE, Buffer.from('a CAPABILITY\r\n'.repeat(50_000)));
      await Promise.race([flooding, new Promise(resolve => setTimeout(resolve, 3000))]);
      client.close();
      await flooding;
    }));

  it('the process is the one that was started, and has no bug to report', async () => {
    expect(postern.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    expect(await postern.stop()).toEqual({ status: 0, signal: null });
  });
});

describe('100,000 nested parentheses where lines may be as long', () => {
  it('are refused, and nobody else notices', async () => {
    const postern = await startServedDoor({ limits: { line: '1m', nesting: 1_000_000 } });
    try {
      const client = await ImapClient.connect({ port: postern.port('none') });
      const refuses = async (command: string) => {
        await client.send(`a ${command} ${'('.repeat(100_000)}${')'.repeat(100_000)}`);
        expect(await client.readLine()).toMatch(/^a (?:BAD Syntax error: |NO \[LIMIT\] )/);
      };
      for (const command of ['ID', 'LOGIN']) await refuses(command);
      await client.command('LOGIN alice secret');
      await client.command('SELECT INBOX');
      for (const command of ['ID', 'SEARCH', 'FETCH 1', 'STORE 1', 'LIST']) await refuses(command);
      expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
      await client.logout();
      expect(postern.log.filter(({ level }) => level === 'error')).toEqual([]);
    } finally {
      await postern.remove();
    }
  });
});
