import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../../../src/mail/ids.ts';
import { snapshotsOf, wantsSnapshot } from '../../../src/store/upkeep/index-snapshots.ts';
import { SnapshotRounds } from '../../../src/store/upkeep/snapshot-rounds.ts';
import { until } from '../../support/processes.ts';
import { ALICE, BOB, letter, MailStand, openIndex } from './mail-stand.ts';

let stand: MailStand;
let rounds: SnapshotRounds | undefined;
let logged: string[];
let outcomes: string[];
beforeEach(async () => {
  stand = new MailStand();
  logged = [];
  outcomes = [];
  await stand.append(ALICE, 'INBOX', letter('one'));
  await stand.append(BOB, 'INBOX', letter('for bob'));
});
afterEach(async () => {
  await rounds?.close();
  rounds = undefined;
  await stand.remove();
});

function begin(every: number, keep = 2): void {
  rounds = new SnapshotRounds(
    {
      accounts: stand.data.accounts,
      copyIndex: async (account, path) => (await stand.index.open(account)).copyTo(path),
      scratch: join(stand.data.root, 'copies'),
      openIndex,
      log: { error: (about: object) => logged.push(JSON.stringify(about)) },
      onSnapshot: outcome => outcomes.push(outcome),
    },
    { every, keep },
  );
}

const count = async (account: AccountId) => (await snapshotsOf(stand.places(account))).length;

describe('snapshots', () => {
  it('are made of every account that changes, and of none that does not; the oldest go', async () => {
    begin(300);
    await until('a snapshot of each', async () => (await count(ALICE)) === 1 && (await count(BOB)) === 1);
    for (const subject of ['two', 'three', 'four']) {
      const before = (await snapshotsOf(stand.places(ALICE)))[0]?.time ?? 0;
      await stand.append(ALICE, 'INBOX', letter(subject));
      await until('another snapshot', async () => ((await snapshotsOf(stand.places(ALICE)))[0]?.time ?? 0) > before);
    }
    await pause(600);
    expect([await count(ALICE), await count(BOB)]).toEqual([2, 1]);
    expect(readdirSync(stand.places(ALICE).snapshots)).toHaveLength(2);
    expect(logged).toEqual([]);
    expect(outcomes).toEqual(outcomes.map(() => 'ok'));
  });

  it('are whole indexes that open elsewhere', async () => {
    begin(300);
    await until('a snapshot', async () => (await count(ALICE)) === 1);
    await stand.stop();
    const [made] = await snapshotsOf(stand.places(ALICE));
    for (const end of ['', '-wal', '-shm']) rmSync(`${stand.places(ALICE).index}${end}`, { force: true });
    writeFileSync(stand.places(ALICE).index, readFileSync(made?.path ?? ''));
    expect(await stand.read(ALICE, 'INBOX')).toMatchObject([{ text: letter('one') }]);
  });

  it('are not made when none are wanted, and when they are not old enough', async () => {
    begin(0);
    await pause(400);
    expect(await count(ALICE)).toBe(0);
    rounds?.apply({ every: 300, keep: 1 });
    await until('a snapshot', async () => (await count(ALICE)) === 1);
    await stand.append(ALICE, 'INBOX', letter('two'));
    expect(await wantsSnapshot(stand.places(ALICE), 3_600_000, Date.now())).toBe(false);
    expect(await wantsSnapshot(stand.places(ALICE), 3_600_000, Date.now() + 3_700_000)).toBe(true);
  });

  it('of a damaged index are not kept, and the log says what to do', async () => {
    begin(300, 1);
    await until('a snapshot of each', async () => (await count(ALICE)) === 1 && (await count(BOB)) === 1);
    await stand.append(ALICE, 'INBOX', ...Array.from({ length: 50 }, (_, index) => letter(`letter ${index}`)));
    const [sound] = await snapshotsOf(stand.places(ALICE));
    await until('a newer one', async () => (await snapshotsOf(stand.places(ALICE)))[0]?.path !== sound?.path);
    await rounds?.close();
    await stand.stop();
    const path = stand.places(ALICE).index;
    const octets = readFileSync(path);
    octets.fill(0xa5, 4096 * 6);
    writeFileSync(path, octets);
    const [before] = await snapshotsOf(stand.places(ALICE));
    begin(300, 1);
    await until('the damage is told', async () => logged.length > 0);
    expect(logged[0]).toContain(`postern repair --account ${ALICE}`);
    expect(await snapshotsOf(stand.places(ALICE))).toEqual([before]);
    expect(outcomes).toContain('failed');
  });
});
