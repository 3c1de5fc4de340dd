import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { ScriptedUpstream, type UpstreamConnection } from '../support/scripted-upstream.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

/** Fewer only where this machine lets a process open fewer: every connection is one descriptor here and one there. */
const CROWD = Math.min(5000, mostDescriptors() - 300);
const AT_ONCE = 50;
const SECOND_MS = 1000;
const MEGABYTE = 1024 * 1024;

describe(`${CROWD} connections that say nothing`, () => {
  let upstream: ScriptedUpstream;
  let postern: RunningPostern;
  /** Another one, alone: how long it takes is the machine's doing. */
  let quiet: RunningPostern;
  let crowd: { readonly socket: Socket; greeted: boolean; closed: boolean }[] = [];

  beforeAll(async () => {
    upstream = await ScriptedUpstream.start(connection => void answerEverything(connection));
    upstream.expectProbe();
    const config = await staticDoor({
      upstream: upstream.port,
      limits: { connections: CROWD + 100, per_address: CROWD / 4, authenticate: '10m', handshake: '10m' },
    });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
    quiet = await startPostern(await staticDoor({ limits: { authenticate: '10m' } }), {
      files: { 'users.yaml': usersFile([ALICE]) },
    });
  });

  afterAll(async () => {
    for (const { socket } of crowd) socket.destroy();
    await Promise.all([postern?.remove(), quiet?.remove()]);
    await upstream?.stop();
  });

  // Again where the machine had no time for anybody; a server that makes others wait does so every time.
  it('are held, while everybody else is answered within a second', { timeout: 180_000, retry: 2 }, async () => {
    for (const { socket } of crowd) socket.destroy();
    crowd = [];
    const inside = await Promise.all([
      ImapClient.connect({ port: postern.port('none') }),
      ImapClient.connect({ port: postern.port('implicit'), tls: 'implicit' }),
      relayed(),
    ]);
    const outside = await ImapClient.connect({ port: quiet.port('none') });
    const before = postern.residentBytes();
    let arriving = true;
    const slowest = async (clients: readonly ImapClient[]) => {
      let worst = 0;
      while (arriving) {
        for (const client of clients) worst = Math.max(worst, await timeOfNoop(client));
        await sleep(20);
      }
      return worst;
    };
    const [crowded, alone] = [slowest(inside), slowest([outside])];

    // A third each: greeted in clear, silent before STARTTLS, and before the handshake.
    const kinds = ['none', 'starttls', 'implicit'] as const;
    for (let count = 0; count < CROWD; count += AT_ONCE) {
      const arrived = Array.from({ length: AT_ONCE }, (_, index) =>
        arrive(kinds[(count + index) % 3] ?? 'none', `127.0.1.${1 + ((count + index) % 8)}`),
      );
      await Promise.all(arrived);
      await sleep(10);
    }
    const inClear = () => crowd.filter(({ greeted }) => greeted).length;
    await until('all are greeted who can be', () => inClear() >= Math.floor((CROWD * 2) / 3), 30_000);
    await sleep(2 * SECOND_MS);
    arriving = false;
    expect(await crowded).toBeLessThan(SECOND_MS + (await alone));
    expect(crowd.filter(({ closed }) => closed)).toHaveLength(0);
    expect(crowd).toHaveLength(CROWD);

    // A newcomer is served as well, over TLS and through to the mail server.
    const newcomer = await relayed();
    expect(await timeOfNoop(newcomer)).toBeLessThan(SECOND_MS + (await alone));
    expect((postern.residentBytes() - before) / CROWD).toBeLessThan(0.1 * MEGABYTE);

    for (const { socket } of crowd) socket.destroy();
    await until('they are forgotten', async () => {
      const { stdout } = await postern.cli('sessions', '--json');
      return stdout.trim().split('\n').length <= inside.length + 1;
    });
    for (const client of [...inside, newcomer, outside]) {
      expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
      client.close();
    }
    expect(postern.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  async function relayed(): Promise<ImapClient> {
    const client = await ImapClient.connect({ port: postern.port('implicit'), tls: 'implicit' });
    expect((await client.command('LOGIN alice secret')).tagged).toMatch(/ OK /);
    return client;
  }

  function arrive(kind: 'none' | 'starttls' | 'implicit', localAddress: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: '127.0.0.1', port: postern.port(kind), localAddress });
      const member = { socket, greeted: false, closed: false };
      socket.once('connect', () => {
        crowd.push(member);
        resolve();
      });
      socket.once('error', reject);
      socket.on('data', chunk => {
        member.greeted ||= chunk.toString('latin1').startsWith('* OK ');
      });
      socket.once('close', () => {
        member.closed = true;
      });
    });
  }
});

/** Node raises the limit to this when it starts. */
function mostDescriptors(): number {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}

async function timeOfNoop(client: ImapClient): Promise<number> {
  const begun = performance.now();
  expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
  return performance.now() - begun;
}

/** A mail server that says OK to whatever it is asked. */
async function answerEverything(connection: UpstreamConnection): Promise<void> {
  await connection.write('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n');
  try {
    for (;;) {
      const [tag = '', name = ''] = (await connection.readLine(600_000)).split(' ');
      const code = name === 'AUTHENTICATE' ? '[CAPABILITY IMAP4rev1] ' : '';
      await connection.write(`${tag} OK ${code}done\r\n`);
    }
  } catch {
    connection.destroy();
  }
}
