import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewMessage } from '../../src/mail/message.ts';
import { inParallel } from '../support/front-door.ts';
import { InProcessDoor } from '../support/in-process-door.ts';
import { long } from '../support/long.ts';
import { MemoryAccount } from '../support/memory-store.ts';
import type { RunningPostern } from '../support/postern.ts';
import { startServedDoor } from '../support/served-door.ts';
import { answerFault } from './answer-faults.ts';
import { LETTER, nearServedImap } from './near-served-imap.ts';
import { Random } from './random.ts';
import { tell, vanish } from './tell.ts';

const STREAMS = long ? 100_000 : 4000;
const STREAMS_TO_DISK = long ? 20_000 : 1500;
/** Streams that have an account in common, some of them at the same time. */
const ACCOUNT_STREAMS = 40;
const WIDTH = 8;
const SEED = 20_261_121;
const MEGABYTE = 1024 * 1024;
const FOLDERS = { Sent: '\\Sent', a: undefined, 'a/b': undefined, 'level/c': undefined } as const;
const LIMITS = { literal: 10_000, bad_commands: 1000 };
/** What the streams must have done, or they would prove nothing. */
const DONE = ['SELECT', 'EXAMINE', 'FETCH', 'STORE', 'SEARCH', 'COPY', 'MOVE', 'APPEND', 'EXPUNGE', 'CREATE', 'RENAME'];

interface Target {
  readonly path: string;
  /** Login and password of an account. */
  readonly login: (account: number) => string;
  /** What the server has to complain of. */
  readonly complaints: () => readonly unknown[];
}

/** Sends streams until one is answered as it must not be. */
async function tellAll(streams: number, { path, login, complaints }: Target): Promise<void> {
  const done = new Map<string, number>();
  await inParallel(
    Array.from({ length: streams }, (_, index) => index),
    WIDTH,
    async index => {
      const random = new Random(SEED + index);
      const stream = nearServedImap(random);
      if (random.oneIn(10)) {
        await vanish(path, `in LOGIN ${login(Math.floor(index / ACCOUNT_STREAMS))}\r\n${stream}`, random.below(3000));
        return;
      }
      const heard = await tell(path, `in LOGIN ${login(Math.floor(index / ACCOUNT_STREAMS))}\r\n${stream}`);
      const fault = answerFault(heard) ?? (complaints().length > 0 ? JSON.stringify(complaints()) : undefined);
      if (fault) throw new Error(`${fault}\n${index}: ${JSON.stringify(stream)}\nanswer: ${JSON.stringify(heard)}`);
      for (const [, name = ''] of heard.matchAll(/^t\d+ OK (?:\[.*\] )?([A-Z]+) completed/gm)) {
        done.set(name, (done.get(name) ?? 0) + 1);
      }
    },
  );
  expect(DONE.filter(name => (done.get(name) ?? 0) < streams / 200)).toEqual([]);
}

describe('streams of logged-in commands that are nearly IMAP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
  const path = join(folder, 'door.sock');
  const accounts = new Map<string, Promise<MemoryAccount>>();
  let door: InProcessDoor;

  beforeAll(async () => {
    const open = async (login: string) => {
      const account = accounts.get(login) ?? newAccount();
      accounts.set(login, account);
      return (await account).open();
    };
    door = await InProcessDoor.open({ open, listen: path, limits: { ...LIMITS, per_login: 1000 } });
  });

  afterAll(async () => {
    await door?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`are answered as IMAP, and nothing breaks: ${STREAMS}`, { timeout: 600_000 }, async () => {
    const before = process.memoryUsage.rss();
    const login = (account: number) => {
      accounts.delete(`u${account - 2}`);
      return `u${account} x`;
    };
    await tellAll(STREAMS, { path, login, complaints: () => door.complaints });
    expect([...door.sessions.list()]).toEqual([]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(300 * MEGABYTE);
  });
});

describe('the same to the embedded store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
  const path = join(folder, 'door.sock');
  const users = Array.from({ length: 20 }, (_, index) => ({ login: `u${index}`, password: 'x' }));
  let postern: RunningPostern;

  beforeAll(async () => {
    postern = await startServedDoor({
      users,
      listeners: [{ name: 'none', tls: 'none', address: `unix:${path}` }],
      limits: LIMITS,
    });
    const letter = `{${LETTER.length}+}\r\n${LETTER}`;
    const folders = Object.keys(FOLDERS).map(name => `c CREATE ${name}\r\n`);
    for (const { login } of users) {
      const letters = ['INBOX', 'INBOX', 'INBOX', 'a'].map(name => `a APPEND ${name} (work) ${letter}\r\n`);
      await tell(path, `in LOGIN ${login} x\r\n${folders.join('')}${letters.join('')}`);
    }
  });

  afterAll(async () => {
    await postern?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it(`are answered as IMAP, and nothing breaks: ${STREAMS_TO_DISK}`, { timeout: 600_000 }, async () => {
    const peak = await postern.peakResidentBytes(() =>
      tellAll(STREAMS_TO_DISK, {
        path,
        login: account => `u${account % users.length} x`,
        complaints: () => postern.log.filter(({ level }) => level === 'error' || level === 'fatal'),
      }),
    );
    expect(peak).toBeLessThan(400 * MEGABYTE);
    expect((await postern.cli('sessions', '--json')).stdout).toBe('');
    expect(await postern.stop()).toEqual({ status: 0, signal: null });
    // And what they have left behind is whole.
    const { code, stdout } = await postern.cli('repair', '--check', '--deep', '--json');
    expect({ code, accounts: stdout.trim().split('\n').length }).toEqual({ code: 0, accounts: users.length });
  });
});

async function newAccount(): Promise<MemoryAccount> {
  const account = new MemoryAccount({ folders: FOLDERS });
  const store = account.open();
  for (const name of ['INBOX', 'INBOX', 'INBOX', 'a'])
    await store.append(name, letters(), new AbortController().signal);
  return account;
}

async function* letters(): AsyncGenerator<NewMessage> {
  const bytes = Buffer.from(LETTER, 'latin1');
  yield { size: bytes.length, source: Readable.from([bytes]), flags: ['work'], date: { time: 0, zone: 0 } };
}
