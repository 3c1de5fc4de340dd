import { createHash, randomBytes } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { clear, complaints, RelayStand, tls } from '../support/relay-stand.ts';

const MB = 1024 * 1024;
/** What one connection may add to the server's memory, whatever goes through it. */
const MOST_GROWTH = 20 * MB;
const PATIENT = { timeout: 60_000 };

const stand = new RelayStand();
afterEach(() => stand.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** 50 MB that do not compress, in lines. */
function bigMessage(): Buffer {
  const line = 76;
  const text = randomBytes(37 * MB).toString('base64');
  const lines = Array.from({ length: Math.ceil(text.length / line) }, (_, at) =>
    text.slice(at * line, (at + 1) * line),
  );
  return Buffer.from(`Subject: big\r\n\r\n${lines.join('\r\n')}\r\n`, 'latin1');
}

const BIG = bigMessage();
const BIG_HASH = sha256(BIG);

async function fetchBig(client: ImapClient): Promise<string> {
  const { untagged, tagged } = await client.command('FETCH 1 BODY.PEEK[]');
  expect(tagged).toMatch(/ OK /);
  const [line = ''] = untagged;
  const start = line.indexOf('}\r\n') + 3;
  return sha256(Buffer.from(line.slice(start, start + BIG.length), 'latin1'));
}

/** What Postern has taken from the client of this login, and handed to it. */
async function sessionOf(postern: RunningPostern, login: string): Promise<{ bytesIn: number; bytesOut: number }> {
  const { stdout } = await postern.cli('sessions', '--json', '--login', login);
  return JSON.parse(stdout);
}

/** Stops reading, asks for the big message, and waits until no more of it is moved. */
async function stallAmid(client: ImapClient, postern: RunningPostern, login: string): Promise<number> {
  await client.command('SELECT INBOX');
  await client.send('f FETCH 1 BODY.PEEK[]');
  await client.waitFor(/\{\d+\}\r\n/);
  client.socket.pause();
  let before = -1;
  let moved = 0;
  await until('nothing more is moved', async () => {
    before = moved;
    moved = (await sessionOf(postern, login)).bytesOut;
    return moved === before;
  });
  return moved;
}

const upstreamOf = { plaintext: clear, TLS: tls } as const;

for (const kind of ['plaintext', 'TLS'] as const) {
  describeWithPeers(['dovecot', 'openssl'], `a message of 50 MB, ${kind} upstream`, () => {
    it('passes both ways, and memory grows by less than 20 MB', async () => {
      const dovecot = await stand.dovecot();
      const postern = await stand.postern({ upstreams: { store: upstreamOf[kind](dovecot) } });
      dovecot.deliver('alice', BIG);
      const client = await stand.login(postern, 'alice', PATIENT);
      await client.command('SELECT INBOX');
      const there = async () => expect(await fetchBig(client)).toBe(BIG_HASH);
      const back = async () => {
        const answer = await client.command(`APPEND Sent {${BIG.length}}`, BIG);
        expect(answer.tagged).toMatch(/ OK /);
      };
      await client.command('CREATE Sent');
      const idle = postern.residentBytes();
      for (const pass of [there, back]) {
        // Once before, so that what the runtime itself takes when it first works hard is not counted.
        await pass();
        const before = postern.residentBytes();
        expect((await postern.peakResidentBytes(pass)) - before).toBeLessThan(MOST_GROWTH);
      }
      expect(postern.residentBytes() - idle).toBeLessThan(2 * MOST_GROWTH);
      await client.command('SELECT Sent');
      expect(await fetchBig(client)).toBe(BIG_HASH);
      expect(complaints(postern)).toEqual([]);
    }, 90_000);

    it('stalls nobody but the client that stops reading it, who gets everything in the end', async () => {
      const dovecot = await stand.dovecot();
      const postern = await stand.postern({ upstreams: { store: upstreamOf[kind](dovecot) } });
      dovecot.deliver('alice', BIG);
      const other = await stand.login(postern, 'bob', { timeout: 1000 });
      const stalled = await stand.login(postern, 'alice', PATIENT);
      const before = postern.residentBytes();
      const peak = await postern.peakResidentBytes(async () => {
        expect(await stallAmid(stalled, postern, 'alice')).toBeLessThan(BIG.length);
        for (let round = 0; round < 20; round += 1) {
          expect((await other.command('NOOP')).tagged).toMatch(/ OK /);
          await (await stand.login(postern, 'bob', { timeout: 1000, tls: 'none' })).logout();
        }
      });
      expect(peak - before).toBeLessThan(MOST_GROWTH);
      stalled.socket.resume();
      const literal = await stalled.readBytes(BIG.length);
      expect(sha256(literal)).toBe(BIG_HASH);
      expect((await stalled.answerTo('f')).tagged).toMatch(/^f OK /);
      expect(complaints(postern)).toEqual([]);
    }, 90_000);

    it('waits at the client while the server does not take it', async () => {
      const dovecot = await stand.dovecot();
      const postern = await stand.postern({ upstreams: { store: upstreamOf[kind](dovecot) } });
      const client = await stand.login(postern, 'alice', PATIENT);
      await client.send(`a APPEND INBOX {${BIG.length}}`);
      await client.waitFor(/^\+ .*\r\n/m);
      dovecot.freeze();
      const before = postern.residentBytes();
      const peak = await postern.peakResidentBytes(async () => {
        client.socket.write(BIG);
        client.socket.write('\r\n');
        let taken = -1;
        let last = 0;
        await until('nothing more is taken', async () => {
          last = taken;
          taken = (await sessionOf(postern, 'alice')).bytesIn;
          return taken === last;
        });
        expect(taken).toBeLessThan(BIG.length);
        const stranger = await stand.client(postern, 'implicit', { timeout: 1000 });
        expect((await stranger.command('NOOP')).tagged).toMatch(/ OK /);
      });
      expect(peak - before).toBeLessThan(MOST_GROWTH);
      dovecot.thaw();
      expect((await client.answerTo('a')).tagged).toMatch(/^a OK /);
      await client.command('SELECT INBOX');
      expect(await fetchBig(client)).toBe(BIG_HASH);
    }, 90_000);
  });
}
