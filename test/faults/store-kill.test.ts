import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { long } from '../support/long.ts';
import { MailLoad } from '../support/mail-load.ts';
import type { RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { enter, filesBelow, startServedDoor } from '../support/served-door.ts';

const ROUNDS = long ? 200 : 50;
const SESSIONS = 8;
const USERS = ['alice', 'bob'].map(login => ({ login, password: 'secret' }));
const userOf = (session: number) => USERS[session % USERS.length];

describe(`kill -9 under a load of ${SESSIONS} sessions, ${ROUNDS} times`, () => {
  let postern: RunningPostern | undefined;
  afterEach(() => postern?.remove());

  it(
    'keeps what was acknowledged, and of the rest all or nothing',
    async () => {
      const door = await startServedDoor({
        users: USERS,
        store: { sweep_grace: '1s', sweep_every: '1s', stray_age: '3s' },
      });
      postern = door;
      const loads = Array.from({ length: SESSIONS }, (_, session) => new MailLoad(`load-${session}`));
      for (const [session, load] of loads.entries()) {
        const client = await enter(door, userOf(session));
        await load.create(client);
        client.close();
      }
      for (let round = 0; round < ROUNDS; round += 1) {
        const clients = await Promise.all(loads.map((_, session) => enter(door, userOf(session))));
        const running = loads.map((load, session) => load.run(clients[session] ?? expect.unreachable()));
        await sleep(randomInt(30, 500));
        await door.stop('SIGKILL');
        const ends = await Promise.all(running);
        // Whatever ends a load but the server's death is a refusal that it must not meet.
        expect(ends.filter(end => / (NO|BAD) /.test(end))).toEqual([]);
        await door.start();
        for (const [session, load] of loads.entries()) {
          const client = await enter(door, userOf(session));
          expect(await load.verify(client), `round ${round}, session ${session}`).toBeUndefined();
          client.close();
        }
        expect(integrity(door)).toEqual(USERS.map(() => 'ok'));
      }
      const total = (name: string) => loads.reduce((sum, load) => sum + (load.acknowledged.get(name) ?? 0), 0);
      for (const name of ['APPEND', 'STORE', 'COPY', 'MOVE', 'EXPUNGE']) {
        expect(total(name), name).toBeGreaterThan(ROUNDS);
      }
      // Every content was read whole above; what nothing refers to goes.
      const contents = new Set(loads.flatMap(load => load.digests)).size;
      await until(`${contents} blobs are left`, () => blobs(door) === contents, 60_000);
    },
    ROUNDS * 10_000,
  );
});

function integrity({ folder }: RunningPostern): readonly unknown[] {
  return filesBelow(join(folder, 'data'), /(^|\/)index\.db$/).map(({ path }) => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      return database.prepare('PRAGMA integrity_check').get()?.integrity_check;
    } finally {
      database.close();
    }
  });
}

function blobs({ folder }: RunningPostern): number {
  return filesBelow(join(folder, 'data'), /(^|\/)blobs\/(?!tmp\/).+\/[^/]+$/).length;
}
