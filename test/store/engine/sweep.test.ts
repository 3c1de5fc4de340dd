import { expect, it, onTestFinished } from 'vitest';
import type { Store } from '../../../src/mail/store.ts';
import type { BlobId } from '../../../src/store/blobs/blob-id.ts';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import type { Index } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { add, filled, letter, message, only, textOf } from '../../conformance/store/session.ts';
import { alice, ownDirectory, standOn } from './engine-stand.ts';
import { interposed } from './interposed.ts';

const HOUR = 3_600_000;
const create = { mailboxes: [] };

async function withClock(settings: Parameters<typeof standOn>[2] = {}) {
  const directory = ownDirectory();
  const clock = { now: Date.parse('2026-01-01T00:00:00Z') };
  const calls: string[] = [];
  const now = () => clock.now;
  const real = openSqliteIndex({ directory, threads: 0, now });
  const index: Index = {
    open: async (...args) => interposed(await real.open(...args), { before: method => void calls.push(method) }),
    close: () => real.close(),
  };
  const opened = standOn(directory, { index, now }, settings);
  onTestFinished(() => opened.close());
  const store = await opened.engine.open(alice, { create });
  const blobs = await opened.parts.blobs(alice);
  return { clock, calls, store, blobs, engine: opened.engine };
}

async function idsIn(blobs: Blobs): Promise<BlobId[]> {
  const ids: BlobId[] = [];
  for await (const page of blobs.list()) ids.push(...page);
  return ids;
}

async function expunge(store: Store, uid: number): Promise<void> {
  const mailbox = await store.open('INBOX', false);
  const { at } = await mailbox.snapshot(false);
  await mailbox.setFlags(only(uid), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
  await mailbox.expunge(undefined);
  await mailbox.close();
}

it('deletes the blob of what was expunged after the grace period, unless a copy needs it', async () => {
  const { clock, store, blobs, engine } = await withClock();
  const mailbox = await filled(store, 'INBOX', 3);
  await mailbox.copy(only(2), 'INBOX', false);
  await expunge(store, 1);
  await expunge(store, 2);
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 0, unknown: 0 });
  clock.now += HOUR + 1;
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 1, unknown: 0 });
  expect(await idsIn(blobs)).toHaveLength(2);
  expect(await textOf(mailbox, 4)).toContain('Text of 2');
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 0, unknown: 0 });
});

it('deletes what the index never knew, when it is older than any append', async () => {
  const { clock, store, blobs, engine } = await withClock();
  const mailbox = await filled(store, 'INBOX', 1);
  await blobs.put([Buffer.from('left by a crash')]);
  clock.now += 20 * HOUR;
  await blobs.put([Buffer.from('an append may still name it')]);
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 0, unknown: 0 });
  clock.now += 5 * HOUR;
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 0, unknown: 1 });
  expect(await idsIn(blobs)).toHaveLength(2);
  expect(await textOf(mailbox, 1)).toContain('Text of 1');
});

it('spares the blobs of an append that runs, however long it takes', async () => {
  const { clock, store, blobs, engine } = await withClock();
  const gate = Promise.withResolvers<void>();
  async function* messages() {
    yield letter(1);
    await gate.promise;
    yield letter(2);
  }
  const appending = store.append('INBOX', messages(), new AbortController().signal);
  await expect.poll(() => idsIn(blobs)).toHaveLength(1);
  clock.now += 100 * HOUR;
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 0, unknown: 0 });
  gate.resolve();
  await appending;
  const mailbox = await store.open('INBOX', true);
  expect(await textOf(mailbox, 1)).toContain('Text of 1');
  clock.now += 100 * HOUR;
  expect(await engine.sweep(alice)).toEqual({ unreferenced: 0, unknown: 0 });
});

it('runs once at a time', async () => {
  const { calls, engine } = await withClock();
  const [one, other] = await Promise.all([engine.sweep(alice), engine.sweep(alice)]);
  expect(one).toEqual(other);
  expect(calls.filter(call => call === 'unreferenced')).toHaveLength(1);
  await engine.sweep(alice);
  expect(calls.filter(call => call === 'unreferenced')).toHaveLength(2);
});

it('is seen to by itself, until nothing is left to do', async () => {
  const { clock, calls, store, blobs } = await withClock({ upkeepEvery: 10 });
  await filled(store, 'INBOX', 2);
  await expunge(store, 1);
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(await idsIn(blobs)).toHaveLength(2);
  clock.now += HOUR + 1;
  await expect.poll(() => idsIn(blobs)).toHaveLength(1);
  await new Promise(resolve => setTimeout(resolve, 50));
  const asked = calls.length;
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(calls.length).toBe(asked);
});

it('is seen to by itself for an account that was closed with something left to do', async () => {
  const { clock, store, blobs, engine } = await withClock({ upkeepEvery: 10, idleAccounts: 0 });
  await filled(store, 'INBOX', 1);
  await expunge(store, 1);
  await store.close();
  await expect.poll(() => engine.load().accounts).toBe(0);
  clock.now += HOUR + 1;
  await expect.poll(() => idsIn(blobs)).toHaveLength(0);
});

it('finds what a crash left just before, when it has become old enough', async () => {
  const { clock, calls, store, blobs } = await withClock({ upkeepEvery: 10, idleAccounts: 0 });
  await filled(store, 'INBOX', 1);
  await blobs.put([Buffer.from('left by a crash')]);
  const looks = () => calls.filter(call => call === 'known').length;
  await store.close();
  clock.now += HOUR;
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(looks()).toBe(0);
  expect(await idsIn(blobs)).toHaveLength(2);
  clock.now += 24 * HOUR;
  await expect.poll(() => idsIn(blobs)).toHaveLength(1);
  await new Promise(resolve => setTimeout(resolve, 50));
  const looked = looks();
  clock.now += 24 * HOUR;
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(looks()).toBe(looked);
});

it('deletes what an append leaves that fails, at once', async () => {
  const { store, blobs } = await withClock();
  const broken = message('Subject: a\r\n\r\n');
  await expect(add(store, 'INBOX', letter(1), letter(2), { ...broken, size: 99 })).rejects.toThrow(RangeError);
  expect(await idsIn(blobs)).toEqual([]);
});
