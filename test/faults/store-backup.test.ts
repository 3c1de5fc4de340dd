import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ImapClient } from '../support/imap-client.ts';
import { MailLoad } from '../support/mail-load.ts';
import type { RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { enter, filesBelow, startServedDoor } from '../support/served-door.ts';
import { ALICE, type TestUser } from '../support/static-door.ts';

const BOB: TestUser = { login: 'bob', password: 'secret' };
const USERS = [ALICE, BOB];

const summary = z.object({
  run: z.string(),
  accounts: z.number(),
  unchanged: z.number(),
  failed: z.number(),
  blobs: z.number(),
  missing: z.number(),
});

/** A session that works without pause until it is told to stop. */
class Worker {
  readonly load: MailLoad;
  readonly user: TestUser;
  stopped = false;
  #running: Promise<void> | undefined;

  constructor(name: string, user: TestUser) {
    this.load = new MailLoad(name);
    this.load.past = [];
    this.user = user;
  }

  get steps(): number {
    return this.load.past?.length ?? 0;
  }

  begin(client: ImapClient): void {
    this.stopped = false;
    this.#running = this.#work(client);
  }

  async end(): Promise<void> {
    this.stopped = true;
    await this.#running;
  }

  async #work(client: ImapClient): Promise<void> {
    while (!this.stopped) await this.load.step(client);
    client.close();
  }
}

describe('a backup of a server under load', () => {
  let postern: RunningPostern | undefined;
  const workers = [new Worker('one', ALICE), new Worker('two', ALICE), new Worker('three', BOB)];
  const runs: z.infer<typeof summary>[] = [];
  /** Where each worker was when each run began and ended. */
  const spans: (readonly [number, number])[][] = [];
  let folder = '';

  const server = () => {
    if (!postern) throw new Error('no server runs');
    return postern;
  };
  const kept = () => filesBelow(join(folder, 'accounts'), /[0-9a-f]{32}$/).map(({ path }) => path);

  async function backUp(): Promise<void> {
    const before = workers.map(({ steps }) => steps);
    const { code, stdout, stderr } = await server().cli('backup', folder, '--json');
    expect([code, stderr], stdout).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    runs.push(summary.parse(JSON.parse(lines.at(-1) ?? '')));
    spans.push(workers.map(({ steps }, index) => [before[index] ?? 0, steps] as const));
  }

  beforeAll(async () => {
    postern = await startServedDoor({ users: USERS, limits: { drain: '200ms' } });
    folder = join(postern.folder, 'backup');
    for (const worker of workers) {
      const client = await enter(postern, worker.user);
      await worker.load.create(client);
      worker.begin(client);
    }
    const goOn = (more: number) => {
      const goals = workers.map(({ steps }) => steps + more);
      return until('the load', () => workers.every(({ steps }, index) => steps >= (goals[index] ?? 0)), 60_000);
    };
    await goOn(40);
    await backUp();
    await goOn(40);
    await backUp();
    await goOn(40);
    await Promise.all(workers.map(worker => worker.end()));
  }, 120_000);
  afterAll(() => postern?.remove());

  it('copies every account and every message, and the second time only those that are new', async () => {
    for (const run of runs) expect(run).toMatchObject({ accounts: 2, failed: 0, missing: 0 });
    const [first, second] = runs;
    expect(first?.blobs).toBeGreaterThan(20);
    expect(second?.blobs).toBeGreaterThan(0);
    // What the first run has copied lies there as it was: each content once.
    expect(kept()).toHaveLength((first?.blobs ?? 0) + (second?.blobs ?? 0));
  });

  it('copies nothing of accounts that have not changed', async () => {
    await server().stop();
    await new Promise(resolve => setTimeout(resolve, 2100));
    await backUp();
    const before = kept().length;
    await backUp();
    expect(runs.at(-1)).toMatchObject({ accounts: 2, unchanged: 2, blobs: 0 });
    expect(kept()).toHaveLength(before);
    const index = (run: string | undefined) =>
      filesBelow(join(folder, 'runs', run ?? ''), /index\.db$/).map(({ path }) => statSync(path).ino);
    expect(index(runs.at(-1)?.run)).toEqual(index(runs.at(-2)?.run));
  });

  it.each([0, 1])('restores to what was acknowledged at a moment of the run (%i)', async number => {
    // Lost together with the mail, say.
    for (const end of ['', '-wal', '-shm']) rmSync(join(server().folder, 'data', `postern.db${end}`), { force: true });
    const { code, stdout } = await server().cli('restore', folder, '--all', '--run', runs[number]?.run ?? '');
    expect([code, stdout.trim().split('\n').at(-1)]).toEqual([0, '2 accounts restored, 0 failed']);
    expect((await server().cli('repair', '--check', '--deep')).stdout).toBe(
      '2 sound, 0 repaired, 0 with faults, 0 not mended\n',
    );
    const told = (await server().cli('repair', '--check', '--json')).stdout.trim().split('\n');
    expect(told.map(line => z.object({ login: z.string() }).parse(JSON.parse(line)).login).sort()).toEqual([
      'alice',
      'bob',
    ]);
    await server().start();
    for (const [index, worker] of workers.entries()) {
      const client = await enter(server(), worker.user);
      const moment = await worker.load.find(client);
      const [from = 0, to = 0] = spans[number]?.[index] ?? [];
      // The state after step n is past[n - 1]; one more may have been done and not been answered when the copy was made.
      expect(moment).toBeGreaterThanOrEqual(from - 1);
      expect(moment).toBeLessThanOrEqual(to);
      client.close();
    }
    await server().stop();
  });

  it('restores one account and leaves the other as it is, each with a UIDVALIDITY as it should be', async () => {
    const validity = async (user: TestUser, name: string) => {
      const client = await enter(server(), user);
      const { untagged } = await client.command(`STATUS ${name} (UIDVALIDITY)`);
      client.close();
      return Number(/UIDVALIDITY (\d+)/.exec(untagged.join())?.[1]);
    };
    await server().start();
    const before = [await validity(ALICE, 'one-a'), await validity(BOB, 'three-a')];
    await server().stop();
    const aside = join(server().folder, 'data', 'replaced');
    rmSync(aside, { recursive: true, force: true });
    expect(await server().cli('restore', folder, '--account', 'alice')).toMatchObject({ code: 0 });
    expect(readdirSync(aside)).toHaveLength(1);
    await server().start();
    expect(await validity(ALICE, 'one-a')).toBeGreaterThan(before[0] ?? 0);
    expect(await validity(BOB, 'three-a')).toBe(before[1]);
  });

  it('is refused while a server runs, for a restore and a repair of everything', async () => {
    for (const command of [['restore', folder, '--all'], ['repair']]) {
      const { code, stderr } = await server().cli(...command);
      expect([code, stderr]).toEqual([1, expect.stringContaining('stop it, or name accounts with --account')]);
    }
    expect(readFileSync(join(folder, 'postern-backup.json'), 'utf8')).toContain('"backup"');
  });

  it('restores one account of a running server, whose sessions are ended; the other user notices nothing', async () => {
    const [alice, bob] = [await enter(server(), ALICE), await enter(server(), BOB)];
    await bob.command('SELECT three-a');
    const restored = await server().cli('restore', folder, '--account', 'alice', '--run', runs[0]?.run ?? '');
    expect(restored).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('(alice)') });
    expect(await alice.readLine()).toMatch(/^\* BYE .*looked after/);
    expect((await bob.command('FETCH 1:* (UID BODY.PEEK[])')).tagged).toMatch(/ OK /);
    bob.close();
    for (const worker of workers.slice(0, 2)) {
      const client = await enter(server(), ALICE);
      const [from = 0, to = 0] = spans[0]?.[workers.indexOf(worker)] ?? [];
      const moment = await worker.load.find(client);
      expect(moment).toBeGreaterThanOrEqual(from - 1);
      expect(moment).toBeLessThanOrEqual(to);
      client.close();
    }
    expect(await server().cli('repair', '--account', 'alice', '--deep')).toMatchObject({
      code: 0,
      stdout: '1 sound, 0 repaired, 0 with faults, 0 not mended\n',
    });
  });
});
