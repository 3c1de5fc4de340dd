import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import type { RunningPostern } from '../support/postern.ts';
import { enter, filesBelow, startServedDoor } from '../support/served-door.ts';

const MEGABYTE = 1024 * 1024;
const LETTER = 'Subject: hello\r\n\r\nhow are you\r\n';
/** So much more memory a client may cost, whatever it does. */
const MOST_GROWTH = 60 * MEGABYTE;

describe('clients that are logged in and mean no good', () => {
  let postern: RunningPostern;

  beforeAll(async () => {
    postern = await startServedDoor({ limits: { literal: '2m', idle: '5m' }, more: { log: { level: 'info' } } });
    const client = await enter(postern);
    const large = `Subject: large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(13_000)}`;
    await must(client, `APPEND INBOX {${large.length}+}`, large);
    for (let count = 0; count < 50; count += 1) await must(client, `APPEND INBOX {${LETTER.length}+}`, LETTER);
    await client.logout();
  });

  afterAll(async () => {
    const bugs = postern?.log.filter(({ level }) => level === 'error' || level === 'fatal');
    await postern?.remove();
    expect(bugs).toEqual([]);
  });

  async function must(client: ImapClient, ...parts: readonly string[]): Promise<readonly string[]> {
    const { tagged, untagged } = await client.command(...parts);
    expect(tagged).toMatch(/^\S+ OK/);
    return untagged;
  }

  /** Lets somebody be at work and looks at the server meanwhile: its memory, and whether it answers others. */
  async function growthDuring(work: () => Promise<unknown>): Promise<number> {
    const other = await enter(postern);
    await must(other, 'SELECT INBOX');
    const before = postern.residentBytes();
    const peak = await postern.peakResidentBytes(async () => {
      await work();
      await must(other, 'NOOP');
    });
    await other.logout();
    return peak - before;
  }

  it('who ask for a gigabyte a thousand times and read nothing cost little', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => enter(postern)));
    const growth = await growthDuring(async () => {
      for (const client of clients) {
        await must(client, 'SELECT INBOX');
        client.socket.pause();
        for (let count = 0; count < 1000; count += 1)
          client.socket.write(`f${count} FETCH 1 (BODY.PEEK[] BODY.PEEK[TEXT])\r\n`);
      }
      await sleep(1500);
    });
    expect(growth).toBeLessThan(MOST_GROWTH);
    for (const client of clients) client.close();
    await vi.waitFor(async () => expect((await postern.cli('sessions', '--json')).stdout).toBe(''), {
      timeout: 10_000,
    });
  });

  it('who ask for the same message ten thousand times in one command get it as long as they read', async () => {
    const client = await enter(postern);
    await must(client, 'SELECT INBOX');
    const growth = await growthDuring(async () => {
      client.socket.write(`f FETCH 1 (${'BODY.PEEK[] '.repeat(5000)}UID)\r\n`);
      let read = 0;
      client.socket.on('data', chunk => {
        read += chunk.length;
      });
      await vi.waitFor(() => expect(read).toBeGreaterThan(20 * MEGABYTE), { timeout: 20_000 });
      client.close();
    });
    // The client keeps what it read, not the server.
    expect(growth).toBeLessThan(MOST_GROWTH);
  });

  it('whose arguments never end are refused', async () => {
    const client = await enter(postern);
    await must(client, 'SELECT INBOX');
    const growth = await growthDuring(async () => {
      // Each is allowed; all of them are not.
      const keys = Array.from({ length: 200 }, () => ` SUBJECT {65000+}\r\n${'x'.repeat(65_000)}`);
      client.socket.write(`s SEARCH${keys.join('')}\r\n`);
      expect((await client.answerTo('s')).tagged).toMatch(/^s (?:BAD|NO) \[TOOBIG\]/);
      client.socket.write(`r RENAME {70000}\r\n`);
      expect((await client.answerTo('r')).tagged).toMatch(/^r (?:BAD|NO) \[TOOBIG\]/);
    });
    expect(growth).toBeLessThan(MOST_GROWTH);
    await must(client, 'NOOP');
    await client.logout();
  });

  it('who bring long lists are answered', async () => {
    const client = await enter(postern);
    await must(client, 'SELECT INBOX');
    const say = async (line: string) => (await client.command(line)).tagged.replace(/^\S+ /, '');
    const numbers = Array.from({ length: 12_000 }, (_, index) => 1 + ((index * 7) % 50)).join(',');
    expect(await say(`FETCH ${numbers} (UID)`)).toMatch(/^OK/);
    expect(await say(`UID FETCH ${numbers} (FLAGS)`)).toMatch(/^OK/);
    expect(await say(`SEARCH ${numbers}`)).toMatch(/^OK/);
    expect(await say(`SEARCH ${'SUBJECT hell '.repeat(4000)}ALL`)).toMatch(/^(?:OK|BAD|NO)/);
    expect(await say(`SEARCH ${'OR BODY are '.repeat(40)}ALL`)).toMatch(/^(?:OK|BAD|NO)/);
    expect(await say(`FETCH 2 (BODY.PEEK[HEADER.FIELDS (${'a '.repeat(20_000)}b)])`)).toMatch(/^OK/);
    expect(await say(`STORE 2 +FLAGS (${Array.from({ length: 8000 }, (_, index) => `k${index}`).join(' ')})`)).toMatch(
      /^NO \[LIMIT\]/,
    );
    expect(await say(`LIST "" "${'%a*'.repeat(15_000)}"`)).toMatch(/^OK/);
    expect(await say(`STATUS INBOX (${'MESSAGES '.repeat(7000)}UIDNEXT)`)).toMatch(/^OK/);
    expect(await say(`CREATE "${'x/'.repeat(30_000)}x"`)).toMatch(/^NO \[CANNOT\]/);
    expect(await say(`LIST "" "${'x'.repeat(70_000)}"`)).toMatch(/^BAD \[TOOBIG\]/);
    await client.logout();
  });

  it('who make names longer and longer by moving what is above them are stopped', async () => {
    const client = await enter(postern);
    await must(client, 'CREATE top/mailbox');
    const answers: string[] = [];
    for (let top = 'top'; answers.length < 40 && !answers.at(-1)?.includes(' NO '); top = `n${answers.length}`) {
      const { tagged } = await client.command(`RENAME ${top} n${answers.length + 1}/${'y'.repeat(90)}/${top}`);
      answers.push(tagged);
    }
    expect(answers.at(-1)).toMatch(/ NO \[CANNOT\]/);
    const names = await must(client, 'LIST "" *');
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThan(1100);
    await client.logout();
  });
});

describe('clients that stop in the middle', () => {
  let postern: RunningPostern;

  beforeAll(async () => {
    postern = await startServedDoor({ limits: { idle: '700ms' } });
  });
  afterAll(() => postern?.remove());

  it.each([
    ['a message', `a APPEND INBOX {1000000+}\r\n${'x'.repeat(300_000)}`],
    ['a message that was asked for', 'a APPEND INBOX {1000000}\r\n'],
    ['an argument', 'a CREATE {10+}\r\nabc'],
    ['a line', 'a STATUS INB'],
    ['what follows a message', 'a APPEND INBOX {3+}\r\nabc'],
  ])('of %s are told when their time is over, and leave nothing', async (_, text) => {
    const client = await enter(postern);
    await client.write(text);
    expect(await client.readToEnd()).toMatch(/\* BYE \[UNAVAILABLE\] Idle for too long\.\r\n$/);
    const after = await enter(postern);
    expect((await after.command('STATUS INBOX (MESSAGES)')).untagged).toEqual(['* STATUS INBOX (MESSAGES 0)']);
    await after.logout();
    await vi.waitFor(() => expect(filesBelow(postern.folder, /blobs\/.*/)).toEqual([]));
  });

  it('of reading are hung up on', async () => {
    const client = await enter(postern);
    const large = 'x'.repeat(8 * MEGABYTE);
    expect((await client.command(`APPEND INBOX {${large.length}+}`, large)).tagged).toMatch(/ OK /);
    await client.command('SELECT INBOX');
    client.socket.pause();
    client.socket.write('f FETCH 1 BODY.PEEK[]\r\n');
    await vi.waitFor(async () => expect((await postern.cli('sessions', '--json')).stdout).toBe(''), {
      timeout: 8000,
      interval: 500,
    });
    client.close();
  });
});
