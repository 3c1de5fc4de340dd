import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewMessage } from '../../src/mail/message.ts';
import { inParallel } from '../support/front-door.ts';
import { InProcessDoor } from '../support/in-process-door.ts';
import { long } from '../support/long.ts';
import { MemoryAccount } from '../support/memory-store.ts';
import { answerFault } from './answer-faults.ts';
import { LETTER, nearServedImap } from './near-served-imap.ts';
import { Random } from './random.ts';

const STREAMS = long ? 100_000 : 5000;
/** Streams that have an account in common, some of them at the same time. */
const ACCOUNT_STREAMS = 40;
const WIDTH = 8;
const FOLDERS = { Sent: '\\Sent', a: undefined, 'a/b': undefined, 'level/c': undefined } as const;
const SEED = 20_261_121;
const MEGABYTE = 1024 * 1024;
const PATIENCE_MS = 20_000;

describe(`${STREAMS} streams of logged-in commands that are nearly IMAP`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
  const path = join(folder, 'door.sock');
  const accounts = new Map<string, Promise<MemoryAccount>>();
  let door: InProcessDoor;

  beforeAll(async () => {
    door = await InProcessDoor.open({
      open: async login => {
        const account = accounts.get(login) ?? newAccount();
        accounts.set(login, account);
        return (await account).open();
      },
      listen: path,
      limits: { literal: 10_000, bad_commands: 1000, per_login: 1000 },
    });
  });

  afterAll(async () => {
    await door?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are answered as IMAP, every command, and nothing breaks', { timeout: 600_000 }, async () => {
    const before = process.memoryUsage.rss();
    await inParallel(
      Array.from({ length: STREAMS }, (_, index) => index),
      WIDTH,
      async index => {
        const login = `u${Math.floor(index / ACCOUNT_STREAMS)}`;
        accounts.delete(`u${Math.floor(index / ACCOUNT_STREAMS) - 2}`);
        const stream = nearServedImap(new Random(SEED + index));
        const heard = await tell(`in LOGIN ${login} x\r\n${stream}`);
        const complaint = answerFault(heard);
        if (complaint)
          throw new Error(`${complaint}\nstream ${index}: ${JSON.stringify(stream)}\nanswer: ${JSON.stringify(heard)}`);
        if (door.complaints.length > 0)
          throw new Error(`stream ${index}: ${JSON.stringify(stream)}\n${JSON.stringify(door.complaints, null, 1)}`);
      },
    );
    expect(door.complaints).toEqual([]);
    expect([...door.sessions.list()]).toEqual([]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(500 * MEGABYTE);
  });

  /** Sends it all, ends, and returns all that comes back. */
  function tell(stream: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const heard = () => Buffer.concat(chunks).toString('latin1');
      // What the server has said stands; that it hung up before everything was read is its right.
      const socket = connect(path).on('error', () => {});
      const patience = setTimeout(() => {
        socket.destroy();
        reject(new Error(`no end after:\n${JSON.stringify(heard())}\nto:\n${JSON.stringify(stream)}`));
      }, PATIENCE_MS);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('close', () => {
        clearTimeout(patience);
        resolve(heard());
      });
      socket.end(Buffer.from(stream, 'latin1'));
    });
  }
});

async function newAccount(): Promise<MemoryAccount> {
  const account = new MemoryAccount({ folders: FOLDERS });
  const store = account.open();
  for (const name of ['INBOX', 'INBOX', 'INBOX', 'a'])
    await store.append(name, letters(), AbortSignal.timeout(PATIENCE_MS));
  return account;
}

async function* letters(): AsyncGenerator<NewMessage> {
  const bytes = Buffer.from(LETTER, 'latin1');
  yield { size: bytes.length, source: Readable.from([bytes]), flags: ['work'], date: { time: 0, zone: 0 } };
}
