import { expect, it, onTestFinished } from 'vitest';
import type { MailboxId, ModSeq, Uid } from '../../../src/mail/ids.ts';
import type { Wake } from '../../../src/mail/store.ts';
import { openLocalBus } from '../../../src/store/bus/local-bus.ts';
import type { Index } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { add, cursor, filled, letter, only, pull } from '../../conformance/store/session.ts';
import { alice, ownDirectory, standOn } from './engine-stand.ts';
import { interposed } from './interposed.ts';

const create = { mailboxes: [] };

/** Two engines over the same files, as of two processes; the calls of the first one's index are counted. */
async function twoProcesses(lookEvery: number, clock = Date.now) {
  const directory = ownDirectory();
  const calls: string[] = [];
  const real = openSqliteIndex({ directory, threads: 0 });
  const index: Index = {
    open: async (...args) => interposed(await real.open(...args), { before: method => void calls.push(method) }),
    close: () => real.close(),
  };
  const bus = openLocalBus();
  const here = standOn(directory, { index, bus, now: clock }, { lookEvery });
  const there = standOn(directory);
  onTestFinished(() => here.close());
  onTestFinished(() => there.close());
  return {
    store: await here.engine.open(alice, { create }),
    foreign: await there.engine.open(alice),
    bus,
    count: (method: string) => calls.filter(call => call === method).length,
  };
}

const soon = (wakes: AsyncIterator<Wake>) =>
  Promise.race([
    wakes.next().then(({ value }) => value?.mailbox ?? value),
    new Promise<string>(resolve => setTimeout(() => resolve('none'), 2000)),
  ]);

it('answers "nothing new" without asking the index, until something is written', async () => {
  const { store, count } = await twoProcesses(0);
  const mailbox = await filled(store, 'INBOX', 2);
  const { next } = (await pull(mailbox, 0)).last;
  const asked = count('changes');
  for (let n = 0; n < 10; n += 1) expect((await mailbox.changes(next, 10)).done).toBe(true);
  expect(count('changes')).toBe(asked);
  await mailbox.setFlags(only(1), { kind: 'add', flags: ['\\Seen'] }, { viewAt: next.modseq });
  const { events, last } = await pull(mailbox, next);
  expect(events.map(({ uid }) => uid)).toEqual([1]);
  expect(count('changes')).toBe(asked + 1);
  expect((await mailbox.changes(last.next, 10)).status).toEqual(last.status);
  expect(count('changes')).toBe(asked + 1);
});

it('asks the index about positions that are not the last one, later ones among them', async () => {
  const { store, count } = await twoProcesses(0);
  const mailbox = await filled(store, 'INBOX', 2);
  const { next } = (await pull(mailbox, 0)).last;
  const asked = count('changes');
  expect((await mailbox.changes(cursor(next.modseq + 1), 10)).gone).toBe('reset');
  expect((await mailbox.changes({ modseq: next.modseq, uid: 1 as Uid }, 10)).changed.uids).toHaveLength(1);
  expect(count('changes')).toBe(asked + 2);
});

it('asks again after a wake, whoever posted it', async () => {
  const { store, foreign, bus } = await twoProcesses(0);
  const mailbox = await filled(store, 'INBOX', 1);
  const { next } = (await pull(mailbox, 0)).last;
  await add(foreign, 'INBOX', letter(2));
  // Nobody has said so yet.
  expect((await pull(mailbox, next)).events).toEqual([]);
  const wakes = store.watch({ mailbox: mailbox.id }, new AbortController().signal)[Symbol.asyncIterator]();
  bus.post(alice, { mailbox: mailbox.id, at: (next.modseq + 1) as ModSeq });
  expect(await soon(wakes)).toBe(mailbox.id);
  expect((await pull(mailbox, next)).events.map(({ uid }) => uid)).toEqual([2]);
});

it('trusts its note no longer than it looks for what others do', async () => {
  let now = Date.now();
  const { store, foreign } = await twoProcesses(60_000, () => now);
  const mailbox = await filled(store, 'INBOX', 1);
  const { next } = (await pull(mailbox, 0)).last;
  await add(foreign, 'INBOX', letter(2));
  now += 59_999;
  expect((await pull(mailbox, next)).events).toEqual([]);
  now += 1;
  expect((await pull(mailbox, next)).events.map(({ uid }) => uid)).toEqual([2]);
});

it('wakes a watcher of what another process has done without a wake', async () => {
  const { store, foreign, count } = await twoProcesses(20);
  const mailbox = await filled(store, 'INBOX', 1);
  const controller = new AbortController();
  const wakes = store.watch({ mailbox: mailbox.id }, controller.signal)[Symbol.asyncIterator]();
  let { at } = await mailbox.snapshot(false);
  // The first look: it may have missed something before it began to watch.
  expect(await soon(wakes)).toBe(mailbox.id);
  for (let round = 0; round < 2; round += 1) {
    await add(foreign, 'INBOX', letter('foreign'));
    expect(await soon(wakes)).toBe(mailbox.id);
    const { events, last } = await pull(mailbox, at);
    expect(events).toHaveLength(1);
    at = last.status.at;
  }
  await foreign.edit({ kind: 'create', name: 'a' });
  const theirs = await foreign.open('a', true);
  const all = store.watch({}, controller.signal)[Symbol.asyncIterator]();
  const seen = new Set<MailboxId | undefined>();
  const until = async (mailboxId: MailboxId | undefined) => {
    while (!seen.has(mailboxId)) seen.add((await all.next()).value?.mailbox);
  };
  await until(theirs.id);
  await until(undefined);
  controller.abort();
  await new Promise(resolve => setTimeout(resolve, 60));
  const looked = count('snapshot');
  await new Promise(resolve => setTimeout(resolve, 100));
  expect(count('snapshot')).toBe(looked);
});

it('does not forget what an open mailbox has not been told, and forgets the rest in time', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const opened = standOn(ownDirectory(), { now: () => now }, { upkeepEvery: 10 });
  onTestFinished(() => opened.close());
  const store = await opened.engine.open(alice, { create });
  const mailbox = await filled(store, 'INBOX', 3);
  const { at } = await mailbox.snapshot(false);
  const expunge = async (uid: number) => {
    await mailbox.setFlags(only(uid), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
    await mailbox.expunge(undefined);
  };
  const upkeep = () => new Promise(resolve => setTimeout(resolve, 80));
  await expunge(1);
  const other = await (await opened.engine.open(alice)).open('INBOX', true);
  const fresh = await other.snapshot(false);
  now += 31 * 86_400_000;
  await expunge(2);
  mailbox.lease((await mailbox.snapshot(false)).at);
  await upkeep();
  // The other one, opened before that, still stands behind the first.
  expect((await other.changes(cursor(fresh.at), 10)).gone).toBeUndefined();
  expect((await other.changes(cursor(at), 10)).gone).toBe('reset');
  now += 31 * 86_400_000;
  await add(store, 'INBOX', letter(4));
  await upkeep();
  expect((await other.changes(cursor(fresh.at), 10)).expunged.uids).toEqual(Uint32Array.of(2));
  await other.close();
  await add(store, 'INBOX', letter(5));
  await expect.poll(async () => (await mailbox.changes(cursor(fresh.at), 10)).gone).toBe('reset');
});

it('forgets nothing of a mailbox that was opened and not looked at yet', async () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const opened = standOn(ownDirectory(), { now: () => now }, { upkeepEvery: 10 });
  onTestFinished(() => opened.close());
  const store = await opened.engine.open(alice, { create });
  const mailbox = await filled(store, 'INBOX', 2);
  const { at } = await mailbox.snapshot(false);
  const opening = await (await opened.engine.open(alice)).open('INBOX', true);
  await mailbox.setFlags(only(1), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
  mailbox.lease(await mailbox.expunge(undefined));
  now += 40 * 86_400_000;
  await add(store, 'INBOX', letter(3));
  await new Promise(resolve => setTimeout(resolve, 80));
  expect((await opening.changes(cursor(at), 10)).gone).toBeUndefined();
  await opening.snapshot(false);
  await add(store, 'INBOX', letter(4));
  await expect.poll(async () => (await opening.changes(cursor(at), 10)).gone).toBe('reset');
});
