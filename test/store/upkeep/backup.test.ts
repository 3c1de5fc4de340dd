import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../../../src/mail/ids.ts';
import { dataPlaces } from '../../../src/store/data-places.ts';
import { type AccountBackup, type BackupSummary, backUp } from '../../../src/store/upkeep/backup.ts';
import { openBackupFolder } from '../../../src/store/upkeep/backup-folder.ts';
import { keepNewest } from '../../../src/store/upkeep/prune.ts';
import { type AccountRestore, type RestoreJob, restore } from '../../../src/store/upkeep/restore.ts';
import { finishSwaps, restoringFolder } from '../../../src/store/upkeep/swap.ts';
import { ALICE, BOB, letter, MailStand, openIndex } from './mail-stand.ts';

let stand: MailStand;
let root: string;
let clock: number;
beforeEach(() => {
  stand = new MailStand();
  root = join(stand.folder, 'backup');
  clock = Date.now();
});
afterEach(() => stand.remove());

interface Run extends BackupSummary {
  readonly accounts_: readonly AccountBackup[];
}

/** A run while the engine is open; each a minute after the one before. */
async function run(options: { accounts?: ReadonlySet<AccountId>; link?: boolean } = {}): Promise<Run> {
  const told: AccountBackup[] = [];
  clock += 60_000;
  const summary = await backUp({
    data: stand.data,
    folder: await openBackupFolder(root, true),
    copyIndex: async (account, path) => (await stand.index.open(account)).copyTo(path),
    openIndex,
    link: true,
    now: () => clock,
    onAccount: account => told.push(account),
    ...options,
  });
  return { ...summary, accounts_: told };
}

async function back(options: Partial<RestoreJob> = {}) {
  await stand.stop();
  const told: AccountRestore[] = [];
  const sum = await restore({
    data: stand.data,
    folder: await openBackupFolder(root, false),
    openIndex,
    link: true,
    onAccount: done => told.push(done),
    ...options,
  });
  return { ...sum, told };
}

/** Files below the backup, with what shows that they were written again. */
function files(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const { ino, mtimeMs, size } = statSync(join(root, name));
    if (statSync(join(root, name)).isFile()) found.set(name, `${ino} ${mtimeMs} ${size}`);
  }
  return found;
}

const blobFiles = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\/[0-9a-f]{32}$/.test(name))
    .map(name => join(folder, name));

describe('a backup', () => {
  it.each([true, false])('restores messages, uids and flags; UIDVALIDITY is new (linked: %s)', async link => {
    await stand.append(ALICE, 'INBOX', letter('one'), letter('two'), letter('three'));
    await stand.append(ALICE, 'Sent', letter('sent'));
    await stand.append(BOB, 'INBOX', letter('for bob'));
    await stand.flag(ALICE, 'INBOX', 2, ['\\Seen', 'Work']);
    await stand.flag(ALICE, 'INBOX', 1, ['\\Deleted']);
    const before = await stand.read(ALICE, 'INBOX');
    const validity = await stand.validity(ALICE, 'INBOX');
    const first = await run({ link });
    expect(first).toMatchObject({ accounts: 2, failed: 0, missing: 0, blobs: 4, linked: link ? 4 : 0 });

    await stand.append(ALICE, 'INBOX', letter('later'));
    await stand.flag(ALICE, 'INBOX', 3, ['\\Deleted']);
    const { restored, failed, told } = await back({ link });
    expect([restored, failed]).toEqual([2, 0]);
    expect(told.find(({ account }) => account === ALICE)).toMatchObject({ messages: 3, unreadable: 0 });
    expect(await stand.read(ALICE, 'INBOX')).toEqual(before);
    expect((await stand.read(ALICE, 'Sent')).map(({ text }) => text)).toEqual([letter('sent')]);
    expect((await stand.read(BOB, 'INBOX')).map(({ text }) => text)).toEqual([letter('for bob')]);
    expect(await stand.validity(ALICE, 'INBOX')).toBeGreaterThan(validity);
    // And the account goes on as any other.
    expect(await stand.append(ALICE, 'INBOX', letter('after'))).toEqual([[4, 4]]);
  });

  it('restores into an empty data folder, and puts aside what was in another', async () => {
    await stand.append(ALICE, 'INBOX', letter('one'));
    await run();
    await stand.stop();
    rmSync(stand.data.root, { recursive: true });
    mkdirSync(stand.data.accounts, { recursive: true });
    expect((await back()).told).toMatchObject([{ outcome: 'restored', messages: 1 }]);
    expect(await stand.read(ALICE, 'INBOX')).toHaveLength(1);
    const [{ aside = '' } = {}] = (await back()).told;
    expect(blobFiles(join(aside, 'blobs'))).toHaveLength(1);
    expect(aside.startsWith(stand.data.replaced)).toBe(true);
  });

  it('copies only what is new, and of an unchanged account nothing', async () => {
    await stand.append(ALICE, 'INBOX', letter('one'), letter('two'));
    await stand.append(BOB, 'INBOX', letter('for bob'));
    await run();
    const before = files();
    await stand.append(ALICE, 'INBOX', letter('three'));
    const second = await run();
    expect(second).toMatchObject({ accounts: 2, blobs: 1 });
    const fresh = [...files()].filter(([name]) => !before.has(name)).map(([name]) => name);
    expect(fresh.filter(name => name.startsWith('accounts/') && !name.endsWith('.part'))).toHaveLength(1);
    for (const [name, looks] of before) if (name !== 'lock.db') expect(files().get(name), name).toBe(looks);

    // Two seconds later the files cannot change without looking different.
    await stand.stop();
    clock += 3_600_000;
    await run();
    const third = await run();
    expect(third).toMatchObject({ unchanged: 2, blobs: 0 });
    const index = (name: string) =>
      statSync(join(root, 'runs', name, 'accounts', ALICE.slice(0, 2), ALICE, 'index.db')).ino;
    const runs = readdirSync(join(root, 'runs')).sort();
    expect(index(runs.at(-1) ?? '')).toBe(index(runs.at(-2) ?? ''));
  });

  it('takes only the accounts named, and restores each from the newest run that has it', async () => {
    await stand.append(ALICE, 'INBOX', letter('one'));
    await stand.append(BOB, 'INBOX', letter('for bob'));
    await run();
    await stand.append(ALICE, 'INBOX', letter('two'));
    await stand.append(BOB, 'INBOX', letter('not copied'));
    expect(await run({ accounts: new Set([ALICE]) })).toMatchObject({ accounts: 1 });
    await back();
    expect(await stand.read(ALICE, 'INBOX')).toHaveLength(2);
    expect(await stand.read(BOB, 'INBOX')).toHaveLength(1);
    await stand.append(BOB, 'INBOX', letter('stays'));
    await back({ accounts: new Set([ALICE]) });
    expect(await stand.read(BOB, 'INBOX')).toHaveLength(2);
  });

  it('tells of an account that cannot be read, copies the others, and keeps its older runs', async () => {
    await stand.append(ALICE, 'INBOX', letter('one'));
    await stand.append(BOB, 'INBOX', letter('for bob'));
    await run();
    await stand.stop();
    writeFileSync(stand.places(ALICE).index, 'not a database, by far'.repeat(500));
    for (let count = 0; count < 3; count += 1) expect(await run()).toMatchObject({ accounts: 2, failed: 1 });
    const folder = await openBackupFolder(root, false);
    expect(await keepNewest(folder, stand.data.accounts, 2)).toBe(1);
    expect((await back({ accounts: new Set([ALICE]) })).told).toMatchObject([{ outcome: 'restored', messages: 1 }]);
  });

  it('keeps so many runs, and removes the messages that only older ones had', async () => {
    await stand.append(ALICE, 'INBOX', letter('goes'), letter('stays'));
    await run();
    await stand.flag(ALICE, 'INBOX', 1, ['\\Deleted']);
    await run();
    await run();
    const folder = await openBackupFolder(root, false);
    expect(blobFiles(folder.accounts)).toHaveLength(2);
    expect(await keepNewest(folder, stand.data.accounts, 2)).toBe(1);
    expect(await folder.wholeRuns()).toHaveLength(2);
    expect(blobFiles(folder.accounts)).toHaveLength(1);
    await back();
    expect(await stand.read(ALICE, 'INBOX')).toMatchObject([{ text: letter('stays') }]);
  });

  it('says how many messages were not there, and copies them the next time', async () => {
    await stand.append(ALICE, 'INBOX', letter('one'), letter('two'));
    const [path = ''] = blobFiles(stand.places(ALICE).blobs);
    rmSync(path);
    expect(await run()).toMatchObject({ missing: 1, blobs: 1 });
    expect(await run()).toMatchObject({ missing: 1, unchanged: 0 });
    expect((await back()).told).toMatchObject([{ messages: 2, unreadable: 1 }]);
    expect((await stand.read(ALICE, 'INBOX')).map(({ text }) => text)).toContain('<damaged>');
  });
});

describe('a damaged backup', () => {
  beforeEach(async () => {
    await stand.append(ALICE, 'INBOX', letter('one'), letter('two'));
    await run({ link: false });
  });

  it('is not restored when the copy of the index is not what was written', async () => {
    const [name = ''] = readdirSync(join(root, 'runs'));
    appendFileSync(join(root, 'runs', name, 'accounts', ALICE.slice(0, 2), ALICE, 'index.db'), 'x');
    expect(await back()).toMatchObject({
      restored: 0,
      failed: 1,
      told: [{ problem: expect.stringContaining('take another run') }],
    });
    // What was there is as it was.
    expect(await stand.read(ALICE, 'INBOX')).toHaveLength(2);
  });

  it('gives what it has, and takes from the account what it has sound', async () => {
    const folder = await openBackupFolder(root, false);
    const [first = '', second = ''] = blobFiles(folder.accounts);
    truncateSync(first, 20);
    rmSync(second);
    expect((await back()).told).toMatchObject([{ messages: 2, unreadable: 0 }]);
    expect((await stand.read(ALICE, 'INBOX')).map(({ text }) => text)).toEqual([letter('one'), letter('two')]);
  });

  it('of which a run was interrupted, has the runs before it', async () => {
    await stand.append(ALICE, 'INBOX', letter('three'));
    const { run: name } = await run();
    rmSync(join(root, 'runs', name, 'manifest.jsonl'));
    expect((await back()).told).toMatchObject([{ messages: 2 }]);
    await run();
    expect(readdirSync(join(root, 'runs'))).not.toContain(name);
  });
});

describe('a folder', () => {
  it('that holds something else is not made a backup, and none is restored from it', async () => {
    mkdirSync(root);
    writeFileSync(join(root, 'thesis.txt'), '');
    await expect(openBackupFolder(root, true)).rejects.toThrow(/holds something else/);
    await expect(openBackupFolder(root, false)).rejects.toThrow(/is not a folder that postern backup has made/);
  });

  it('is worked in by one at a time', async () => {
    const folder = await openBackupFolder(root, true);
    await folder.alone(async () => {
      await expect(folder.alone(async () => {})).rejects.toThrow(/another backup or restore/);
    });
    await folder.alone(async () => {});
  });

  it('without the run or the account that is asked for says so', async () => {
    await stand.append(ALICE, 'INBOX', letter('one'));
    await run();
    await expect(back({ run: '2026-01-01' })).rejects.toThrow(/there is no run 2026-01-01/);
    await expect(back({ accounts: new Set([BOB]) })).rejects.toThrow(/has no account/);
  });
});

describe('a restore that is cut off', () => {
  it.each([
    ['before the account was moved aside', false],
    ['between moving it aside and putting the other in its place', true],
  ])('%s is ended by the next one who takes the folder', async (_, moved) => {
    await stand.append(ALICE, 'INBOX', letter('one'));
    await stand.stop();
    const to = stand.places(ALICE).folder;
    const from = join(restoringFolder(stand.data), ALICE.slice(0, 2), ALICE);
    cpSync(to, from, { recursive: true });
    writeFileSync(join(from, 'ready'), '');
    if (moved) renameSync(to, join(stand.folder, 'aside'));
    expect(await finishSwaps(dataPlaces(stand.data.root))).toBe(moved ? 1 : 0);
    expect(readdirSync(stand.data.root)).not.toContain('restoring');
    expect(await stand.read(ALICE, 'INBOX')).toHaveLength(1);
  });

  it('while it was being built has changed nothing', async () => {
    const half = join(restoringFolder(stand.data), ALICE.slice(0, 2), ALICE);
    mkdirSync(half, { recursive: true });
    expect(await finishSwaps(stand.data)).toBe(0);
    expect(readdirSync(stand.data.root)).toEqual([]);
  });
});
