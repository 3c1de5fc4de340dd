import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../../../src/mail/ids.ts';
import { DEFAULT_MAILBOXES } from '../../../src/store/engine/settings.ts';
import { makeSnapshot } from '../../../src/store/upkeep/index-snapshots.ts';
import { type AccountRepair, type RepairJob, repair } from '../../../src/store/upkeep/repair.ts';
import { ALICE, BOB, letter, MailStand, openBlobs, openIndex } from './mail-stand.ts';

let stand: MailStand;
beforeEach(async () => {
  stand = new MailStand();
  await stand.append(ALICE, 'INBOX', letter('one'), letter('two'), letter('three'));
  await stand.append(BOB, 'INBOX', letter('for bob'));
});
afterEach(() => stand.remove());

async function mend(options: Partial<RepairJob> = {}) {
  await stand.stop();
  const told: AccountRepair[] = [];
  const sum = await repair({
    data: stand.data,
    openIndex,
    openBlobs,
    mailboxes: DEFAULT_MAILBOXES,
    look: false,
    deep: false,
    rebuild: false,
    onAccount: done => told.push(done),
    ...options,
  });
  const alice = told.find(({ account }) => account === ALICE);
  return { sum, alice };
}

async function snapshot(account: AccountId, now = Date.now()): Promise<void> {
  await makeSnapshot(stand.places(account), async path => (await stand.index.open(account)).copyTo(path), 2, now);
}

const subjects = async (mailbox: string) =>
  (await stand.read(ALICE, mailbox)).map(({ text }) => /Subject: (.*)\r/.exec(text)?.[1] ?? text);

/** Overwrites pages in the middle of the file. */
function corrupt(path: string): void {
  const octets = readFileSync(path);
  octets.fill(0xa5, 4096, octets.length);
  writeFileSync(path, octets);
}

describe('an account that is sound', () => {
  it('is left as it is', async () => {
    const validity = await stand.validity(ALICE, 'INBOX');
    await stand.stop();
    const before = readFileSync(stand.places(ALICE).index);
    expect((await mend()).sum).toEqual({ sound: 2, faulty: 0, repaired: 0, failed: 0 });
    expect(readFileSync(stand.places(ALICE).index).equals(before)).toBe(true);
    expect(await stand.validity(ALICE, 'INBOX')).toBe(validity);
  });

  it('is made anew when its owner says so', async () => {
    await snapshot(ALICE);
    const { sum, alice } = await mend({ rebuild: true, accounts: new Set([ALICE]) });
    expect(sum).toEqual({ sound: 0, faulty: 0, repaired: 1, failed: 0 });
    expect(alice).toMatchObject({ recovered: 0, dropped: 0, faults: [] });
    expect(await subjects('INBOX')).toEqual(['one', 'two', 'three']);
  });
});

describe.each<[string, (path: string) => void]>([
  ['deleted', path => rmSync(path)],
  ['emptied', path => truncateSync(path, 0)],
  ['of something else', path => writeFileSync(path, 'This is not a database, and it never was. '.repeat(300))],
  ['overwritten from its second page on', corrupt],
])('an index that is %s', (_, damage) => {
  const spoil = async () => {
    await stand.stop();
    for (const end of ['-wal', '-shm']) rmSync(`${stand.places(ALICE).index}${end}`, { force: true });
    damage(stand.places(ALICE).index);
  };

  it('keeps its owner out and nobody else, and no empty account takes its place', async () => {
    await spoil();
    await expect(stand.validity(ALICE, 'INBOX')).rejects.toMatchObject({ kind: 'damaged' });
    await expect(stand.append(ALICE, 'INBOX', letter('new'))).rejects.toMatchObject({ kind: 'damaged' });
    expect(await stand.read(BOB, 'INBOX')).toHaveLength(1);
  });

  it('is told by a look, and left as it is', async () => {
    await spoil();
    const { sum, alice } = await mend({ look: true });
    expect(sum).toEqual({ sound: 1, faulty: 1, repaired: 0, failed: 0 });
    expect(alice?.faults.length).toBeGreaterThan(0);
    await expect(stand.validity(ALICE, 'INBOX')).rejects.toMatchObject({ kind: 'damaged' });
  });

  it('comes back from a snapshot, with what came later in Recovered', async () => {
    await stand.flag(ALICE, 'INBOX', 1, ['\\Seen', 'Work']);
    await snapshot(ALICE);
    const before = await stand.read(ALICE, 'INBOX');
    const validity = await stand.validity(ALICE, 'INBOX');
    await stand.append(ALICE, 'INBOX', letter('four'));
    await stand.append(ALICE, 'Sent', letter('five'));
    await spoil();
    const { sum, alice } = await mend();
    expect(sum).toEqual({ sound: 1, faulty: 0, repaired: 1, failed: 0 });
    expect(alice).toMatchObject({ snapshot: expect.any(Number), recovered: 2, dropped: 0 });
    expect(await stand.read(ALICE, 'INBOX')).toEqual(before);
    expect((await subjects('Recovered')).toSorted()).toEqual(['five', 'four']);
    expect(await stand.validity(ALICE, 'INBOX')).toBeGreaterThan(validity);
    await stand.append(ALICE, 'INBOX', letter('six'));
    expect((await mend()).sum).toEqual({ sound: 2, faulty: 0, repaired: 0, failed: 0 });
  });

  it('comes back without a snapshot, with everything in Recovered', async () => {
    await spoil();
    const { alice } = await mend();
    expect(alice).toMatchObject({ outcome: 'repaired', recovered: 3 });
    expect(alice?.snapshot).toBeUndefined();
    expect((await subjects('Recovered')).toSorted()).toEqual(['one', 'three', 'two']);
    expect(await subjects('INBOX')).toEqual([]);
    const store = await stand.store(ALICE);
    expect((await store.list()).map(({ name }) => name)).toContain('Sent');
    await store.close();
  });
});

describe('a snapshot', () => {
  const lose = async () => {
    await stand.stop();
    rmSync(stand.places(ALICE).index);
  };

  it('that is damaged itself is passed over for the one before', async () => {
    await snapshot(ALICE, Date.now() - 10_000);
    await stand.append(ALICE, 'INBOX', letter('four'));
    await snapshot(ALICE);
    const [newest = ''] = readdirSync(stand.places(ALICE).snapshots).sort().reverse();
    corrupt(join(stand.places(ALICE).snapshots, newest));
    await lose();
    expect((await mend()).alice).toMatchObject({ outcome: 'repaired', recovered: 1 });
    expect(await subjects('INBOX')).toEqual(['one', 'two', 'three']);
    expect(await subjects('Recovered')).toEqual(['four']);
  });

  it('gives no messages back that were deleted since, nor others than were there', async () => {
    await stand.flag(ALICE, 'INBOX', 3, ['\\Deleted']);
    await snapshot(ALICE);
    await stand.flag(ALICE, 'INBOX', 1, ['\\Deleted']);
    // As the sweep does after its grace period.
    const blobs = await openBlobs(stand.places(ALICE).blobs);
    const opened = await stand.index.open(ALICE);
    for (const blob of await opened.unreferenced(Date.now() + 1000, 10)) await blobs.delete(blob);
    await blobs.close();
    await lose();
    expect((await mend()).alice).toMatchObject({ recovered: 0, dropped: 1 });
    expect(await subjects('INBOX')).toEqual(['two']);
  });
});

describe('a content that is', () => {
  const blobPath = () => {
    const root = stand.places(ALICE).blobs;
    const name = readdirSync(root, { recursive: true, encoding: 'utf8' }).find(path => /[0-9a-f]{32}$/.test(path));
    return join(root, name ?? '');
  };

  it.each<[string, (path: string) => void, string]>([
    ['gone', path => rmSync(path), 'is not there'],
    ['cut short', path => truncateSync(path, 60), 'is damaged'],
    ['another one', path => copyFileSync(bobsBlob(), path), 'is damaged'],
  ])('%s is told; its message stays, and cannot be read, and the others can', async (_, damage, says) => {
    damage(blobPath());
    expect(
      (await stand.read(ALICE, 'INBOX')).map(({ text }) => text).filter(text => text === '<damaged>'),
    ).toHaveLength(1);
    const { sum, alice } = await mend();
    expect(sum).toEqual({ sound: 1, faulty: 1, repaired: 0, failed: 0 });
    expect(alice?.faults).toEqual([expect.stringContaining(says)]);
    expect(await stand.read(ALICE, 'INBOX')).toHaveLength(3);
  });

  it('changed in the middle is found by a deep look', async () => {
    const path = blobPath();
    const octets = readFileSync(path);
    const middle = octets.indexOf('Hello');
    octets[middle] = 'h'.charCodeAt(0);
    writeFileSync(path, octets);
    expect((await mend({ look: true })).sum).toMatchObject({ faulty: 0 });
    expect((await mend({ look: true, deep: true })).alice?.faults).toEqual([expect.stringContaining('is damaged')]);
  });

  function bobsBlob(): string {
    const root = stand.places(BOB).blobs;
    return join(
      root,
      readdirSync(root, { recursive: true, encoding: 'utf8' }).find(path => /[0-9a-f]{32}$/.test(path)) ?? '',
    );
  }
});

it('an index of which a count is wrong is told, and made anew only when its owner says so', async () => {
  await stand.stop();
  const database = new DatabaseSync(stand.places(ALICE).index);
  database.exec("UPDATE mailbox SET unseen = 77 WHERE name = 'INBOX'");
  database.close();
  const { sum, alice } = await mend();
  expect(sum).toMatchObject({ sound: 1, faulty: 1 });
  expect(alice?.faults).toEqual([expect.stringContaining('counters')]);
});

it('an index with damaged pages that can still be opened is made anew', async () => {
  await stand.append(ALICE, 'INBOX', ...Array.from({ length: 100 }, (_, index) => letter(`letter ${index}`)));
  await stand.stop();
  const path = stand.places(ALICE).index;
  const octets = readFileSync(path);
  octets.fill(0xa5, octets.length - 3 * 4096);
  writeFileSync(path, octets);
  const { sum, alice } = await mend();
  expect(sum).toMatchObject({ sound: 1, repaired: 1 });
  expect(alice).toMatchObject({ recovered: 103 });
});

it('an index of a later version is not touched', async () => {
  await stand.stop();
  const path = stand.places(ALICE).index;
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 999');
  database.close();
  const before = readFileSync(path);
  const { sum, alice } = await mend();
  expect(sum).toMatchObject({ sound: 1, failed: 1, repaired: 0 });
  expect(alice?.faults).toEqual([expect.stringContaining('version 999')]);
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('the damaged index is kept beside the new one', async () => {
  await stand.stop();
  writeFileSync(stand.places(ALICE).index, 'rubbish '.repeat(1000));
  const { alice } = await mend();
  expect(readFileSync(join(alice?.aside ?? '', 'index.db'), 'latin1')).toMatch(/^rubbish/);
  expect(existsSync(join(stand.data.root, 'repairing'))).toBe(false);
});

it('a repair that was cut off between two renames is ended by another one', async () => {
  await snapshot(ALICE);
  await stand.stop();
  rmSync(stand.places(ALICE).index);
  // The index is moved aside, and the new one not in its place: as if it had been deleted.
  expect((await mend()).alice).toMatchObject({ outcome: 'repaired', recovered: 0 });
  expect(await subjects('INBOX')).toEqual(['one', 'two', 'three']);
});
