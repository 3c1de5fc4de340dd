import { rmSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { accountId } from '../../../src/auth/account-id.ts';
import type { ModSeq } from '../../../src/mail/ids.ts';
import { MailError } from '../../../src/mail/mail-error.ts';
import type { FlagChange } from '../../../src/mail/message.ts';
import type { Query } from '../../../src/mail/query.ts';
import type { Store } from '../../../src/mail/store.ts';
import { renderRanges, type UidRanges } from '../../../src/mail/uid-ranges.ts';
import { add, cursor, flagsOf, letter, never, only, pull, ranges, rowsOf } from '../../conformance/store/session.ts';
import fc from '../../support/fast-check.ts';
import { long } from '../../support/long.ts';
import { MemoryAccount } from '../../support/memory-store.ts';
import { newDirectory, standOn } from './engine-stand.ts';

const NAMES = ['INBOX', 'a', 'a/b', 'c'];
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', 'work', 'WORK', 'home'];

const name = fc.constantFrom(...NAMES);
const uids: fc.Arbitrary<UidRanges> = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }).map(all => only(...all.sort((a, b) => a - b))),
  fc.constant(ranges([1, 4_294_967_295])),
  fc.constant(ranges([2, 5], [7, 20])),
);
const flags = fc.subarray(FLAGS, { maxLength: 3 });
const query: fc.Arbitrary<Query> = fc.letrec<{ query: Query }>(tie => ({
  query: fc.oneof(
    { maxDepth: 3 },
    fc.constant({ kind: 'all' as const }),
    uids.map(of => ({ kind: 'uid' as const, uids: of })),
    fc.constantFrom(...FLAGS).map(flag => ({ kind: 'flag' as const, name: flag })),
    fc.integer({ min: 30, max: 40 }).map(octets => ({ kind: 'larger' as const, octets })),
    fc.constantFrom('1', '2').map(text => ({ kind: 'header' as const, field: 'subject', text })),
    tie('query').map(part => ({ kind: 'not' as const, part })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('query'), { maxLength: 3 }))
      .map(([kind, parts]) => ({ kind, parts })),
  ),
})).query;

type Play = (store: Store) => Promise<unknown>;

/** One step on a store, as data that fast-check can shrink and print; answers are without modseqs, which differ. */
const step: fc.Arbitrary<Play> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(name, fc.array(flags, { minLength: 1, maxLength: 3 })).map(appending) },
  { weight: 3, arbitrary: fc.tuple(name, uids, flags, fc.constantFrom('add', 'remove', 'replace')).map(flagging) },
  { weight: 2, arbitrary: fc.tuple(name, uids, name, fc.boolean()).map(copying) },
  { weight: 2, arbitrary: fc.tuple(name, fc.option(uids, { nil: undefined })).map(expunging) },
  { weight: 2, arbitrary: fc.tuple(name, query).map(searching) },
  fc.tuple(name, fc.boolean()).map(selecting),
  fc.tuple(fc.constantFrom('create', 'delete', 'subscribe'), name).map(editing),
  fc.tuple(name, name).map(renaming),
);

function said<T>(text: string, play: (store: Store) => Promise<T>): Play {
  return Object.assign(play, { toString: () => text });
}

function appending([to, all]: [string, string[][]]): Play {
  return said(`append ${to} ${JSON.stringify(all)}`, async store => {
    const { uids: got } = await add(store, to, ...all.map((own, n) => letter(`${n}${'x'.repeat(n)}`, own)));
    return renderRanges(got);
  });
}

function flagging([of, which, names, kind]: [string, UidRanges, string[], FlagChange['kind']]): Play {
  return said(`${kind} ${of} ${renderRanges(which)} ${names}`, async store => {
    const mailbox = await store.open(of, false);
    const { at, uidNext } = await mailbox.snapshot(false);
    const { missing, modified, interleaved } = await mailbox.setFlags(which, { kind, flags: names }, { viewAt: at });
    // What was never there is not missing, or is: no view asks.
    const gone = missing.flatMap(([first, last]) => (first < uidNext ? [[first, Math.min(last, uidNext - 1)]] : []));
    return [gone, renderRanges(modified), renderRanges(interleaved)];
  });
}

function copying([of, which, to, move]: [string, UidRanges, string, boolean]): Play {
  return said(`${move ? 'move' : 'copy'} ${of} ${renderRanges(which)} ${to}`, async store => {
    const copied = await (await store.open(of, false)).copy(which, to, move);
    return [renderRanges(copied.from), renderRanges(copied.to)];
  });
}

function expunging([of, which]: [string, UidRanges | undefined]): Play {
  return said(`expunge ${of} ${which && renderRanges(which)}`, async store => {
    await (await store.open(of, false)).expunge(which);
  });
}

function searching([of, asked]: [string, Query]): Play {
  return said(`search ${of} ${JSON.stringify(asked)}`, async store => {
    const { uids: found } = await (await store.open(of, true)).search(asked, never);
    return [...found];
  });
}

function selecting([of, claim]: [string, boolean]): Play {
  return said(`select ${of} ${claim}`, async store => {
    const { recent, recentFrom } = await (await store.open(of, false)).snapshot(claim);
    return [recent, recentFrom];
  });
}

function editing([kind, of]: ['create' | 'delete' | 'subscribe', string]): Play {
  return said(`${kind} ${of}`, store => store.edit({ kind, name: of }));
}

function renaming([from, to]: [string, string]): Play {
  return said(`rename ${from} ${to}`, async store => {
    const renamed = await answer(() => store.edit({ kind: 'rename', from, to }), store);
    // Into itself, where there is something already: either may be said.
    return renamed === 'already-exists' && to.startsWith(`${from}/`) ? 'cannot' : renamed;
  });
}

async function answer(play: Play, store: Store): Promise<unknown> {
  try {
    return await play(store);
  } catch (error) {
    if (error instanceof MailError) return error.kind;
    throw error;
  }
}

/** All that can be seen, but for what is told differently everywhere: modseqs, ids, UIDVALIDITYs. */
async function stateOf(store: Store): Promise<unknown> {
  const list = await store.list();
  const boxes = list.flatMap(({ name: of, id }) => (id === undefined ? [] : [of])).sort();
  const contents = boxes.map(async of => {
    const mailbox = await store.open(of, true);
    const { uidNext, exists, unseen, deleted, size, recent, recentFrom, at } = await mailbox.snapshot(false);
    const rows = (await rowsOf(mailbox)).map(row => [row.uid, row.size, row.header]);
    const { events } = await pull(mailbox, cursor(0), 3).catch(() => ({ events: [] }));
    expect(events.every(({ modseq }) => modseq <= at)).toBe(true);
    return { of, uidNext, exists, unseen, deleted, size, recent, recentFrom, rows, flags: await flagsOf(mailbox) };
  });
  const listed = list.map(({ name: of, subscribed }) => `${of} ${subscribed}`).sort();
  return { listed, contents: await Promise.all(contents) };
}

const directory = newDirectory();
const { engine, close } = standOn(directory, {}, { pageRows: 3, idleAccounts: 3 });
let accounts = 0;

afterAll(async () => {
  await close();
  rmSync(directory, { recursive: true });
});

it('does what the plain arrays do, whatever is asked of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async steps => {
      accounts += 1;
      const model = new MemoryAccount().open();
      const mailboxes = [{ kind: 'create', name: 'INBOX', subscribe: true }] as const;
      const store = await engine.open(accountId('model', String(accounts)), { create: { mailboxes } });
      const watched = await store.open('INBOX', true);
      let { at }: { at: ModSeq } = await watched.snapshot(false);
      const belief = new Map<number, readonly string[]>();
      for (const play of steps) {
        expect(await answer(play, store)).toEqual(await answer(play, model));
        const { events, last } = await pull(watched, at, 2);
        for (const { uid, flags: own } of events) {
          if (own) belief.set(uid, [...own].sort());
          else belief.delete(uid);
        }
        at = last.next.modseq;
        expect(Object.fromEntries(belief)).toEqual(await flagsOf(watched));
      }
      expect(await stateOf(store)).toEqual(await stateOf(model));
      await store.close();
    }),
    { numRuns: long ? 3000 : 60 },
  );
});
