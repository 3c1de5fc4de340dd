import { describe, expect, it, onTestFinished } from 'vitest';
import type { Store } from '../../../src/mail/store.ts';
import type { BlobId } from '../../../src/store/blobs/blob-id.ts';
import { BlobError } from '../../../src/store/blobs/blobs.ts';
import type { AccountIndex, Index } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { ALL, add, flagsOf, letter, only, textOf, uidsOf } from '../../conformance/store/session.ts';
import { alice, ownDirectory, standOn } from './engine-stand.ts';
import { type Interference, interposed } from './interposed.ts';

const create = { mailboxes: [{ kind: 'create', name: 'other', subscribe: false }] as const };
const DAYS = 3 * 86_400_000;

/** What is done, after three messages were put into INBOX, the second of them marked as deleted. */
const WRITES: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  append: store => add(store, 'INBOX', letter(4), letter(5, ['new'])),
  flags: async store => {
    const mailbox = await store.open('INBOX', false);
    const { at } = await mailbox.snapshot(false);
    return mailbox.setFlags(ALL, { kind: 'add', flags: ['\\Seen', 'kw'] }, { viewAt: at });
  },
  copy: async store => (await store.open('INBOX', true)).copy(only(1, 2), 'other', false),
  move: async store => (await store.open('INBOX', false)).copy(only(1, 3), 'other', true),
  expunge: async store => (await store.open('INBOX', false)).expunge(undefined),
  rename: store => store.edit({ kind: 'rename', from: 'INBOX', to: 'old' }),
};

/** Counts calls of index and blobs, and fails the n-th: before anything is done, or after it, as an answer that is lost. */
class Fault {
  readonly interference: Interference;
  failed = false;
  #calls = 0;

  constructor(nth: number, when: 'before' | 'after') {
    const call = () => {
      this.#calls += 1;
      if (this.#calls !== nth) return;
      this.failed = true;
      throw new BlobError('failed', `call ${nth} fails`);
    };
    this.interference = { [when]: (method: string) => void (method === 'close' || call()) };
  }
}

/** All that can be seen of an account. */
async function stateOf(store: Store): Promise<unknown> {
  const state: unknown[] = [];
  for (const { name, id } of await store.list()) {
    if (id === undefined) continue;
    const mailbox = await store.open(name, true);
    const { uidNext, exists, unseen, deleted } = await mailbox.snapshot(false);
    const uids = await uidsOf(mailbox);
    const texts = await Promise.all(uids.map(uid => textOf(mailbox, uid)));
    state.push({ name, uidNext, exists, unseen, deleted, uids, texts, flags: await flagsOf(mailbox) });
  }
  return state;
}

async function prepared(directory: string): Promise<void> {
  const { engine, close } = standOn(directory);
  const store = await engine.open(alice, { create });
  await add(store, 'INBOX', letter(1), letter(2, ['\\Deleted']), letter(3));
  await close();
}

async function stateIn(directory: string): Promise<unknown> {
  const { engine, close } = standOn(directory);
  const state = await stateOf(await engine.open(alice));
  await close();
  return state;
}

/** Sweeps as if days had gone by, and says which blobs there are and which should be. */
async function sweptBlobs(directory: string) {
  const now = () => Date.now() + DAYS;
  const { engine, parts, close } = standOn(directory, { now });
  await engine.sweep(alice);
  const index = await parts.index.open(alice);
  const referenced = (await index.references(undefined, 1000)).map(({ blob }) => blob);
  const problems = await index.verify();
  await index.close();
  const blobs = await parts.blobs(alice);
  const there: BlobId[] = [];
  for await (const page of blobs.list()) there.push(...page);
  await blobs.close();
  await close();
  return { there: there.sort(), referenced: referenced.sort(), problems };
}

describe.each(Object.keys(WRITES))('%s, when any call of index or blobs fails', name => {
  const write = WRITES[name];
  const states = new Set<string>();

  it.each(['before', 'after'] as const)('%s it is done, is done wholly or not at all', async when => {
    if (!write) throw new Error(name);
    const reference = ownDirectory();
    await prepared(reference);
    const untouched = await stateIn(reference);
    let done: unknown;
    for (let nth = 1; ; nth += 1) {
      const directory = ownDirectory();
      await prepared(directory);
      const fault = new Fault(nth, when);
      const real = openSqliteIndex({ directory, threads: 0 });
      const index: Index = {
        open: async (...args) => interposed<AccountIndex>(await real.open(...args), fault.interference),
        close: () => real.close(),
      };
      const plain = standOn(directory);
      const opened = standOn(directory, {
        index,
        blobs: async account => interposed(await plain.parts.blobs(account), fault.interference),
      });
      onTestFinished(() => plain.close());
      const store = await opened.engine.open(alice);
      const ended = await write(store).then(
        () => true,
        () => false,
      );
      await opened.close();
      const state = await stateIn(directory);
      if (!fault.failed) {
        expect(ended).toBe(true);
        done = state;
        expect(done).not.toEqual(untouched);
        expect(nth).toBeGreaterThan(1);
        break;
      }
      // Done whole is also right where only the answer was lost; that it is `done` is checked below.
      if (JSON.stringify(state) !== JSON.stringify(untouched)) expect(when === 'after' || ended).toBe(true);
      states.add(JSON.stringify(state));
      const { there, referenced, problems } = await sweptBlobs(directory);
      expect(there).toEqual(referenced);
      expect(problems).toEqual([]);
      expect(await stateIn(directory)).toEqual(state);
    }
    states.delete(JSON.stringify(untouched));
    states.delete(JSON.stringify(done));
    expect([...states]).toEqual([]);
  });
});

describe('a sweep of which any call fails', () => {
  it.each(['before', 'after'] as const)(
    '%s it is done, loses nothing that is needed, and the next one ends it',
    async when => {
      for (let nth = 1; ; nth += 1) {
        const directory = ownDirectory();
        await prepared(directory);
        const fault = new Fault(nth, when);
        const { engine, parts, close } = standOn(directory);
        const store = await engine.open(alice);
        await (await store.open('INBOX', false)).expunge(undefined);
        const blobs = await parts.blobs(alice);
        await blobs.put([Buffer.from('left by a crash')]);
        await blobs.close();
        await close();
        const state = await stateIn(directory);
        const now = () => Date.now() + DAYS;
        const plain = standOn(directory, { now });
        const failing = standOn(directory, {
          now,
          index: {
            open: async (...args) =>
              interposed<AccountIndex>(await plain.parts.index.open(...args), fault.interference),
            close: async () => {},
          },
          blobs: async account => interposed(await plain.parts.blobs(account), fault.interference),
        });
        await failing.engine.sweep(alice).catch(() => {});
        await failing.close();
        await plain.close();
        const { there, referenced, problems } = await sweptBlobs(directory);
        expect([there, problems]).toEqual([referenced, []]);
        expect(there).toHaveLength(2);
        expect(await stateIn(directory)).toEqual(state);
        if (!fault.failed) break;
      }
    },
  );
});
