import { describe, expect, it } from 'vitest';
import type { MailboxId, ModSeq, Uid } from '../../src/mail/ids.ts';
import type { Mailbox } from '../../src/mail/store.ts';
import { rangesOf } from '../../src/mail/uid-ranges.ts';
import { Selection } from '../../src/session/selection.ts';
import fc from '../support/fast-check.ts';
import { long } from '../support/long.ts';
import { MemoryBox } from '../support/memory-mailbox.ts';
import { type Letter, readLetter } from '../support/memory-message.ts';
import { BelievingClient } from './believing-client.ts';

/** Something that happens to a mailbox, without anybody's view of it. */
type Happening =
  | { readonly kind: 'arrive'; readonly count: number; readonly flags: readonly string[] }
  | { readonly kind: 'flag'; readonly which: number; readonly flag: string; readonly add: boolean }
  | { readonly kind: 'expunge'; readonly which: readonly number[] };

type Step =
  | Happening
  /** What happens between the pages is `meanwhile`, one for each. */
  | {
      readonly kind: 'sync';
      readonly who: number;
      readonly expunges: 'told' | 'withheld';
      readonly meanwhile: readonly Happening[];
    }
  | { readonly kind: 'ask'; readonly who: number };

const place = fc.nat(40);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: fc.constant('arrive' as const),
    count: fc.integer({ min: 1, max: 4 }),
    flags: fc.subarray(['\\Seen', 'work']),
  }),
  fc.record({
    kind: fc.constant('flag' as const),
    which: place,
    flag: fc.constantFrom('\\Seen', '\\Flagged', 'work', 'play'),
    add: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('expunge' as const), which: fc.array(place, { minLength: 1, maxLength: 4 }) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: happening, weight: 3 },
  {
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      who: fc.nat(2),
      expunges: fc.constantFrom('told', 'withheld'),
      meanwhile: fc.array(happening, { maxLength: 4 }),
    }),
    weight: 2,
  },
  { arbitrary: fc.record({ kind: fc.constant('ask' as const), who: fc.nat(2) }), weight: 1 },
);

class World {
  readonly box = new MemoryBox(1 as MailboxId, 1, 1000, 48);
  readonly #letter: Letter;
  #meanwhile: Happening[] = [];

  constructor(letter: Letter) {
    this.#letter = letter;
  }

  happen(what: Happening): void {
    const { messages } = this.box;
    const at = (which: number) => messages[which % Math.max(1, messages.length)];
    if (what.kind === 'arrive') {
      this.box.arrive(
        Array.from({ length: what.count }, () => ({ letter: this.#letter, flags: what.flags })),
        0,
      );
    } else if (what.kind === 'flag') {
      const message = at(what.which);
      if (!message) return;
      const change = { kind: what.add ? 'add' : 'remove', flags: [what.flag] } as const;
      this.box.setFlags(rangesOf([message.uid]), change, { viewAt: 0 as ModSeq });
    } else this.box.remove([...new Set(what.which.flatMap(which => at(which) ?? []))]);
  }

  /** As sessions see it: small pages, and between them somebody else has his way. */
  mailbox(readOnly: boolean, page: number): Mailbox {
    const { box } = this;
    const refuse = () => Promise.reject(new Error('not asked here'));
    return {
      id: box.id,
      readOnly,
      snapshot: async claim => box.snapshot(claim),
      claimRecent: async upTo => box.claimRecent(upTo),
      uids: async (at, uidNext) => box.uids(at, uidNext),
      changes: async since => {
        const changes = box.changes(since, page);
        const next = this.#meanwhile.shift();
        if (next) this.happen(next);
        return changes;
      },
      lease: () => {},
      rows: () => {
        throw new Error('not asked here');
      },
      content: refuse,
      search: refuse,
      setFlags: refuse,
      copy: refuse,
      expunge: refuse,
      close: async () => {},
    };
  }

  whileDoing(meanwhile: readonly Happening[]): void {
    this.#meanwhile = [...meanwhile];
  }

  flags(uid: number): string | undefined {
    const message = this.box.messages.find(one => one.uid === uid);
    return message && this.box.flagsOf(message).join(' ');
  }

  get uids(): number[] {
    return this.box.messages.map(({ uid }) => uid);
  }

  /** Whether somebody who believed this can be brought up to date by what has changed since (RFC 7162 §3.2.5). */
  expectResynchronised(believed: readonly { uid: number; flags: string | undefined }[], since: number): void {
    const known = new Map(believed.map(({ uid, flags }) => [uid, flags]));
    for (const { uid, modseq } of this.box.tombstones) if (modseq > since) known.delete(uid);
    for (const message of this.box.messages) {
      if (message.modseq > since) known.set(message.uid, this.flags(message.uid));
    }
    expect([...known.keys()].sort((a, b) => a - b)).toEqual(this.uids);
    for (const [uid, flags] of known) if (flags !== undefined) expect(flags).toBe(this.flags(uid));
  }
}

async function play(steps: readonly Step[], pages: readonly number[], letter: Letter): Promise<void> {
  const world = new World(letter);
  world.happen({ kind: 'arrive', count: 3, flags: [] });
  const clients: BelievingClient[] = [];
  const remembered: { believed: { uid: number; flags: string | undefined }[]; since: number }[] = [];
  for (const page of pages) {
    const selection = await Selection.open(world.mailbox(page === 3, page), 'INBOX', () => false);
    clients.push(new BelievingClient(selection, world.uids, uid => world.flags(uid) ?? ''));
  }
  const sync = async (client: BelievingClient, expunges: 'told' | 'withheld', meanwhile: readonly Happening[]) => {
    world.whileDoing(meanwhile);
    await client.sync(expunges);
    world.whileDoing([]);
  };
  for (const what of steps) {
    const client = 'who' in what ? clients[what.who] : undefined;
    if (!client) {
      if (what.kind !== 'sync' && what.kind !== 'ask') world.happen(what);
    } else if (what.kind === 'sync') {
      const count = client.messages.length;
      await sync(client, what.expunges, what.meanwhile);
      if (what.expunges === 'withheld') expect(client.messages.length).toBeGreaterThanOrEqual(count);
    } else if (what.kind === 'ask') {
      await client.ask(uid => world.flags(uid));
      const believed = client.messages.flatMap(({ uid, flags }) => (uid === undefined ? [] : [{ uid, flags }]));
      remembered.push({ believed, since: client.modSeq });
    }
  }
  for (const client of clients) {
    await sync(client, 'told', []);
    await client.ask(uid => world.flags(uid));
    expect(client.uids).toEqual(world.uids);
    for (const { uid, flags } of client.messages) if (uid !== undefined) expect(flags).toBe(world.flags(uid));
  }
  for (const { believed, since } of remembered) world.expectResynchronised(believed, since);
}

describe('what a session believes of its mailbox', async () => {
  const text = Buffer.from('Subject: x\r\n\r\n');
  const source = (async function* () {
    yield text;
  })();
  const letter = await readLetter({ size: text.length, source, flags: [], date: { time: 0, zone: 0 } }, 1);

  it('is the truth after each sync, whatever happens, also between the pages', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.tuple(fc.constantFrom(1, 2), fc.constantFrom(3, 3), fc.constantFrom(1, 7, 100)),
        async (steps, pages) => await play(steps, pages, letter),
      ),
      { numRuns: long ? 20_000 : 1500 },
    );
  });

  it('is new mail to one session only that may keep it so', async () => {
    const world = new World(letter);
    const one = await Selection.open(world.mailbox(false, 10), 'INBOX', () => false);
    world.happen({ kind: 'arrive', count: 2, flags: [] });
    for await (const _ of one.sync('told'));
    const looker = await Selection.open(world.mailbox(true, 10), 'INBOX', () => false);
    const other = await Selection.open(world.mailbox(false, 10), 'INBOX', () => false);
    expect([one.recentCount, looker.recentCount, other.recentCount]).toEqual([2, 0, 0]);
    world.happen({ kind: 'arrive', count: 1, flags: [] });
    for await (const _ of looker.sync('told'));
    for await (const _ of other.sync('told'));
    for await (const _ of one.sync('told'));
    expect([one.recentCount, looker.recentCount, other.recentCount]).toEqual([2, 1, 1]);
    world.happen({ kind: 'arrive', count: 1, flags: [] });
    for await (const _ of one.sync('told'));
    for await (const _ of other.sync('told'));
    expect([one.recentCount, other.recentCount]).toEqual([3, 1]);
    expect([1, 2, 3, 4].map(uid => one.isRecent(uid))).toEqual([true, true, false, true]);
    expect([1, 2, 3, 4].map(uid => other.isRecent(uid as Uid))).toEqual([false, false, true, false]);
  });
});
