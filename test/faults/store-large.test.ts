import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import type { RunningPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';

const MEGABYTE = 1024 * 1024;
const MOST_GROWTH = 20 * MEGABYTE;
const PIECE = 64 * 1024;
const LINE = `${'A line of a very large attachment, again and again. '.repeat(2).slice(0, 76)}\r\n`;
const BLOCK = Buffer.from(LINE.repeat(Math.floor(PIECE / LINE.length)));

/** Looks at the server's memory all the while. */
class Peak {
  readonly #timer: NodeJS.Timeout;
  highest = 0;

  constructor(postern: RunningPostern) {
    const look = () => {
      this.highest = Math.max(this.highest, postern.residentBytes());
    };
    look();
    this.#timer = setInterval(look, 20);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.highest;
  }
}

/** Appends so many megabytes at the speed of the server. @returns octets sent */
async function append(client: ImapClient, megabytes: number): Promise<number> {
  const blocks = Math.round((megabytes * MEGABYTE) / BLOCK.length);
  const head = Buffer.from(`From: large@example.org\r\nSubject: ${megabytes} MB\r\n\r\n`);
  const size = head.length + blocks * BLOCK.length;
  await client.send(`big APPEND INBOX {${size}}`);
  expect(await client.readLine()).toMatch(/^\+ /);
  await client.write(head);
  for (let block = 0; block < blocks; block += 1) await client.write(BLOCK);
  await client.send('');
  expect((await client.answerTo('big')).tagged).toMatch(/^big OK \[APPENDUID /);
  return size;
}

/** Fetches the last message in pieces, as phones do. @returns octets received */
async function fetchInPieces(client: ImapClient): Promise<number> {
  let total = 0;
  for (;;) {
    const { untagged } = await client.command(`FETCH * BODY.PEEK[]<${total}.${PIECE}>`);
    const line = untagged.find(text => text.includes('BODY[]')) ?? '';
    const size = Number(/BODY\[\]<\d+> \{(\d+)\}\r\n/.exec(line)?.[1] ?? 0);
    total += size;
    if (size < PIECE) return total;
  }
}

describe('a message of 100 MB', () => {
  let postern: RunningPostern | undefined;
  afterEach(() => postern?.remove());

  it('costs little memory and time in proportion to its size, and holds nobody up', async () => {
    const door = await startServedDoor({ limits: { literal: '110m' } });
    postern = door;
    const client = await enter(door);
    const other = await enter(door);
    await other.command('SELECT INBOX');
    await client.command('SELECT INBOX');
    const rate = async (megabytes: number) => {
      const begun = performance.now();
      const size = await append(client, megabytes);
      const appended = performance.now();
      await client.command('NOOP');
      expect(await fetchInPieces(client)).toBe(size);
      const fetched = performance.now();
      return { append: (appended - begun) / megabytes, fetch: (fetched - appended) / megabytes };
    };
    // Code is compiled and buffers are there.
    await rate(10);
    const before = door.residentBytes();
    const peak = new Peak(door);
    let slowest = 0;
    let asking = true;
    const asked = (async () => {
      for (; asking; await sleep(10)) {
        const begun = performance.now();
        await other.command('NOOP');
        slowest = Math.max(slowest, performance.now() - begun);
      }
    })();
    const small = await rate(20);
    const large = await rate(100);
    asking = false;
    await asked;
    expect(peak.stop() - before).toBeLessThan(MOST_GROWTH);
    expect(slowest).toBeLessThan(100);
    // A megabyte of the large one takes about as long as of the small one.
    expect(large.append / small.append).toBeLessThan(2);
    expect(large.fetch / small.fetch).toBeLessThan(2);
    client.close();
    other.close();
  }, 180_000);
});
