import { expect, it } from 'vitest';
import { LAST_UID } from '../../../src/mail/ids.ts';
import { Accounts } from '../../../src/store/engine/accounts.ts';
import { EngineStore } from '../../../src/store/engine/engine-store.ts';
import { DEFAULT_MAILBOXES, DEFAULT_SETTINGS } from '../../../src/store/engine/settings.ts';
import type { Index } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { add, kindOf, letter, message } from '../../conformance/store/session.ts';
import { alice, bob, ownDirectory, quiet, stand, standOn } from './engine-stand.ts';
import { interposed } from './interposed.ts';

const create = { mailboxes: DEFAULT_MAILBOXES };

/** An index that notes which accounts are opened and closed. */
function noting(index: Index, notes: string[]): Index {
  return {
    async open(account, creation) {
      notes.push(`open ${account[0]}`);
      const opened = await index.open(account, creation);
      return interposed(opened, {
        before(method) {
          if (method === 'close') notes.push(`close ${account[0]}`);
        },
      });
    },
    close: () => index.close(),
  };
}

it('makes a new account with the usual folders, subscribed, and only when it is told to', async () => {
  const { engine } = stand();
  expect(await kindOf(engine.open(alice))).toBe('nonexistent');
  const store = await engine.open(alice, { create });
  const told = (await store.list()).map(({ name, specialUse, subscribed }) => [name, specialUse, subscribed]);
  expect(told.sort()).toEqual([
    ['Archive', '\\Archive', true],
    ['Drafts', '\\Drafts', true],
    ['INBOX', undefined, true],
    ['Junk', '\\Junk', true],
    ['Sent', '\\Sent', true],
    ['Trash', '\\Trash', true],
  ]);
  await store.edit({ kind: 'delete', name: 'Junk' });
  const again = await engine.open(alice, { create });
  expect((await again.list()).map(({ name }) => name)).toContain('Sent');
  expect(await kindOf(again.status('Junk'))).toBe('nonexistent');
});

it('keeps an account apart from another', async () => {
  const { engine } = stand();
  const [one, other] = [await engine.open(alice, { create }), await engine.open(bob, { create })];
  await add(one, 'INBOX', letter('of alice'));
  expect((await other.status('INBOX')).exists).toBe(0);
});

it('makes an account for one who wants it, although another who did not asked first', async () => {
  const { engine } = stand();
  const [first, second, third] = await Promise.allSettled([
    engine.open(alice),
    engine.open(alice, { create }),
    engine.open(alice, { create }),
  ]);
  expect([first.status, second.status, third.status]).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});

it('opens an account once for many, and closes the one that was unused longest', async () => {
  const notes: string[] = [];
  const directory = ownDirectory();
  const index = noting(openSqliteIndex({ directory, threads: 0 }), notes);
  const { engine } = stand({ index }, { idleAccounts: 1 });
  const stores = await Promise.all([1, 2, 3].map(() => engine.open(alice, { create })));
  expect(engine.load()).toEqual({ accounts: 1, stores: 3 });
  await Promise.all(stores.map(store => store.close()));
  for (const store of stores) await store.close();
  expect(notes).toEqual(['open a']);
  expect(engine.load()).toEqual({ accounts: 1, stores: 0 });
  const back = await engine.open(alice);
  const other = await engine.open(bob, { create });
  await other.close();
  await back.close();
  await expect.poll(() => notes).toEqual(['open a', 'open b', 'close b']);
  await (await engine.open(bob)).close();
  await expect.poll(() => notes).toEqual(['open a', 'open b', 'close b', 'open b', 'close a']);
});

it('waits for an account that is being closed before it opens it again', async () => {
  const notes: string[] = [];
  const closing = Promise.withResolvers<void>();
  const real = openSqliteIndex({ directory: ownDirectory(), threads: 0 });
  const index: Index = {
    async open(account, creation) {
      notes.push('open');
      return interposed(await real.open(account, creation), {
        async before(method) {
          if (method !== 'close') return;
          await closing.promise;
          notes.push('close');
        },
      });
    },
    close: () => real.close(),
  };
  const { engine } = stand({ index }, { idleAccounts: 0 });
  await (await engine.open(alice, { create })).close();
  const again = engine.open(alice);
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(notes).toEqual(['open']);
  closing.resolve();
  await (await again).close();
  await engine.close();
  expect(notes).toEqual(['open', 'close', 'open', 'close']);
});

it('leaves nothing open when the blobs cannot be opened', async () => {
  const notes: string[] = [];
  let fails = true;
  const directory = ownDirectory();
  const index = noting(openSqliteIndex({ directory, threads: 0 }), notes);
  const opened = standOn(directory, { index });
  const parts = {
    ...opened.parts,
    blobs: () => (fails ? Promise.reject(new Error('no folder')) : opened.parts.blobs(alice)),
  };
  const { engine, close } = standOn(directory, parts);
  await expect(engine.open(alice, { create })).rejects.toThrow('no folder');
  expect(notes).toEqual(['open a', 'close a']);
  fails = false;
  await (await engine.open(alice)).close();
  await close();
});

it('waits for what runs before it closes, and takes nothing afterwards', async () => {
  const directory = ownDirectory();
  const { engine, close } = standOn(directory);
  const store = await engine.open(alice, { create });
  const mailbox = await store.open('INBOX', false);
  const gate = Promise.withResolvers<void>();
  async function* slow() {
    yield Buffer.from('Subject: a\r\n');
    await gate.promise;
    yield Buffer.from('\r\n');
  }
  const appending = add(store, 'INBOX', { ...message('x'), size: 14, source: slow() });
  await new Promise(resolve => setTimeout(resolve, 20));
  const watching = store.watch({}, new AbortController().signal)[Symbol.asyncIterator]();
  const end = watching.next();
  let closed = false;
  const closing = engine.close().then(() => {
    closed = true;
  });
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(closed).toBe(false);
  gate.resolve();
  expect((await appending).uids).toEqual([[1, 1]]);
  await closing;
  expect(await end).toMatchObject({ done: true });
  expect(await Promise.all([kindOf(store.list()), kindOf(mailbox.snapshot(false)), kindOf(engine.open(bob))])).toEqual([
    'unavailable',
    'unavailable',
    'unavailable',
  ]);
  await store.close();
  await close();
  const again = standOn(directory);
  expect((await (await again.engine.open(alice)).status('INBOX')).exists).toBe(1);
  await again.close();
});

it('ends a store for its session only, with the mailboxes it had open', async () => {
  const { engine } = stand({ log: quiet });
  const [one, other] = [await engine.open(alice, { create }), await engine.open(alice)];
  const mailbox = await one.open('INBOX', false);
  await one.close();
  expect(await kindOf(one.list())).toBe('unavailable');
  expect(await kindOf(mailbox.snapshot(false))).toBe('unavailable');
  expect(await kindOf(other.list())).toBe('no error');
});

it('shuts an account once all have left, and lets nobody in until it is opened again', async () => {
  const notes: string[] = [];
  const directory = ownDirectory();
  const { engine } = standOn(directory, { index: noting(openSqliteIndex({ directory, threads: 0 }), notes) });
  const store = await engine.open(alice, { create });
  const shutting = engine.shut(alice, AbortSignal.timeout(10_000));
  expect(await kindOf(engine.open(alice))).toBe('unavailable');
  expect(await kindOf(engine.shut(alice, AbortSignal.timeout(10_000)))).toBe('in-use');
  expect(notes).toEqual(['open a']);
  // Others come and go.
  await (await engine.open(bob, { create })).close();
  await add(store, 'INBOX', letter('before it was shut'));
  await store.close();
  const open = await shutting;
  expect(notes.filter(note => note.endsWith('a'))).toEqual(['open a', 'close a']);
  expect(await kindOf(engine.open(alice))).toBe('unavailable');
  open();
  expect((await (await engine.open(alice)).status('INBOX')).exists).toBe(1);
});

it('does not shut an account that somebody stays in, nor keeps others out of it then', async () => {
  const { engine } = stand();
  const store = await engine.open(alice, { create });
  await expect(engine.shut(alice, AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
  await (await engine.open(alice)).close();
  await store.close();
  // Nobody is in, and an account that is not there can be shut, too.
  (await engine.shut(alice, AbortSignal.timeout(5000)))();
  (await engine.shut(bob, AbortSignal.timeout(5000)))();
});

it('keeps nothing in mind of mailboxes that come and go', async () => {
  const accounts = new Accounts(stand().parts, DEFAULT_SETTINGS);
  const account = await accounts.acquire(alice, create);
  const store = new EngineStore(account, open => accounts.release(open));
  for (let round = 0; round < 3; round += 1) {
    await store.edit({ kind: 'create', name: 'passing' });
    const mailbox = await store.open('passing', false);
    const { at } = await mailbox.snapshot(false);
    await mailbox.changes({ modseq: at, uid: LAST_UID }, 10);
    await mailbox.close();
    expect(account.notes.size).toBe(1);
    await store.edit({ kind: 'delete', name: 'passing' });
    expect(account.notes.size).toBe(0);
  }
  await store.close();
  await accounts.close();
});
