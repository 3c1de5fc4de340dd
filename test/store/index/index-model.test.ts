import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { flagNames } from '../../../src/mail/flags.ts';
import type { MailboxId } from '../../../src/mail/ids.ts';
import type { Cursor, FlagChange } from '../../../src/mail/message.ts';
import { rangesOf } from '../../../src/mail/uid-ranges.ts';
import type { AccountIndex } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import fc from '../../support/fast-check.ts';
import { long } from '../../support/long.ts';
import { account, everything, modSeq, never, newRow, past, uid } from './new-row.ts';
import { PlainIndex } from './plain-index.ts';

const NAMES = ['INBOX', 'Other'] as const;
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', 'one', 'two', 'three'];

const root = mkdtempSync(join(tmpdir(), 'postern-index-model-'));
const index = openSqliteIndex({ directory: root, threads: 0 });
let accounts = 0;
afterAll(async () => {
  await index.close();
  rmSync(root, { recursive: true });
});

const box = fc.nat({ max: NAMES.length - 1 });
const flags = fc.uniqueArray(fc.constantFrom(...FLAGS), { maxLength: 3 });
/** UIDs up to a little beyond what there will be; runs and single ones. */
const uids = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 1, max: 45 }), { maxLength: 8 }).map(list => list.sort((a, b) => a - b)),
  fc
    .tuple(fc.integer({ min: 1, max: 30 }), fc.nat({ max: 60 }))
    .map(([first, more]) => Array.from({ length: more + 1 }, (_, n) => first + n)),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append'), box, flags: fc.array(flags, { maxLength: 4 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('flags'),
      box,
      uids,
      change: fc.record({ kind: fc.constantFrom('add', 'remove', 'replace'), flags }),
      conditional: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('copy'), box, to: box, uids, move: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expunge'), box, uids: fc.option(uids, { nil: undefined }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pull'),
      box,
      viewer: fc.nat({ max: 2 }),
      limit: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim'), box }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** One who follows a mailbox by its changes alone: a page at a time, whenever there is time. */
class Viewer {
  cursor: Cursor;
  readonly messages = new Map<number, string>();

  constructor(cursor: Cursor) {
    this.cursor = cursor;
  }

  async pull(opened: AccountIndex, id: MailboxId, limit: number): Promise<boolean> {
    const page = await opened.changes(id, this.cursor, limit);
    expect(page.gone).toBeUndefined();
    page.changed.uids.forEach((one, n) => {
      this.messages.set(one, [...flagNames(page.changed.flags[n] ?? 0, page.keywords)].sort().join(' '));
    });
    for (const one of page.expunged.uids) this.messages.delete(one);
    this.cursor = page.next;
    return page.done;
  }
}

class Run {
  readonly plain = new PlainIndex(NAMES.length);
  readonly #opened: AccountIndex;
  readonly #ids: MailboxId[];
  readonly #viewers: Viewer[][];
  /** Where the plain index's clock stood when the index was at a position. */
  readonly #times: Map<number, number>[];
  #count = 0;

  constructor(opened: AccountIndex, starts: readonly { id: MailboxId; at: number }[]) {
    this.#opened = opened;
    this.#ids = starts.map(({ id }) => id);
    this.#viewers = starts.map(({ at }) => Array.from({ length: 3 }, () => new Viewer(past(at))));
    this.#times = starts.map(({ at }) => new Map([[at, 0]]));
  }

  async step(one: Step): Promise<void> {
    const place = 'box' in one ? one.box : 0;
    const id = this.#id(place);
    const mailbox = this.#plain(place);
    switch (one.kind) {
      case 'append': {
        const rows = one.flags.map(flags => {
          this.#count += 1;
          return newRow(`${this.#count}`, { flags });
        });
        const before = mailbox.uidNext;
        this.plain.append(
          mailbox,
          rows.map(row => ({ ...row, flags: lower(row.flags) })),
        );
        expect((await this.#opened.append(id, rows)).first).toBe(before);
        break;
      }
      case 'flags': {
        const viewer = this.#viewers[place]?.[0];
        const viewAt = viewer?.cursor.modseq ?? modSeq(0);
        const known = this.#times[place]?.get(viewAt);
        // Within a page the clock has no such moment; the others cover it.
        if (known === undefined) break;
        const change: FlagChange = one.change;
        const told = await this.#opened.setFlags(id, rangesOf(one.uids), change, {
          viewAt,
          ...(one.conditional && { unchangedSince: viewAt }),
        });
        const expected = this.plain.setFlags(
          mailbox,
          one.uids,
          { kind: change.kind, flags: lower(change.flags) },
          one.conditional ? known : Infinity,
          known,
        );
        expect(told).toMatchObject({
          modified: rangesOf(expected.modified),
          missing: rangesOf(expected.missing),
          interleaved: rangesOf(expected.interleaved),
        });
        break;
      }
      case 'copy': {
        const target = this.#plain(one.to);
        const first = target.uidNext;
        const copied = await this.#opened.copy(id, rangesOf(one.uids), NAMES[one.to] ?? '', one.move);
        const from = this.plain.copy(mailbox, one.uids, target, one.move);
        expect(copied.from).toEqual(rangesOf(from));
        expect(copied.to).toEqual(rangesOf(from.map((_, n) => first + n)));
        break;
      }
      case 'expunge': {
        const { count } = await this.#opened.expunge(id, one.uids && rangesOf(one.uids));
        expect(count).toBe(this.plain.expunge(mailbox, one.uids));
        break;
      }
      case 'pull':
        await this.#viewers[place]?.[one.viewer]?.pull(this.#opened, id, one.limit);
        return;
      case 'trim':
        await this.#opened.trim(
          id,
          modSeq(Math.min(...(this.#viewers[place] ?? []).map(({ cursor }) => cursor.modseq))),
        );
        return;
      default:
        await this.#opened.close();
        return;
    }
    await this.#note();
  }

  /** At rest: rows, counters and all viewers agree with the plain index. */
  async settle(): Promise<void> {
    for (const [place, id] of this.#ids.entries()) {
      const { messages, uidNext } = this.#plain(place);
      const page = await this.#opened.rows(id, everything, ['flags', 'emailId', 'size'], uid(0), 10_000);
      const rows = [...page.uids].map((one, n) => [
        one,
        page.emailIds?.[n],
        page.sizes?.[n],
        lower(flagNames(page.flags?.[n] ?? 0, page.keywords))
          .sort()
          .join(' '),
      ]);
      expect(rows).toEqual(messages.map(one => [one.uid, one.emailId, one.size, [...one.flags].sort().join(' ')]));
      expect(await this.#opened.find(NAMES[place] ?? '')).toMatchObject({
        uidNext,
        exists: messages.length,
        unseen: messages.filter(one => !one.flags.has('\\seen')).length,
        deleted: messages.filter(one => one.flags.has('\\deleted')).length,
        size: messages.reduce((sum, one) => sum + one.size, 0),
      });
      const seen = (await this.#opened.search(id, { kind: 'flag', name: '\\Seen' }, uid(0))).found;
      expect([...seen]).toEqual(messages.filter(one => one.flags.has('\\seen')).map(one => one.uid));
      for (const viewer of this.#viewers[place] ?? []) {
        // The first end may be that of pages begun before.
        for (let ends = 0; ends < 2; ) if (await viewer.pull(this.#opened, id, 3)) ends += 1;
        const believed = [...viewer.messages].sort(([a], [b]) => a - b).map(([one, told]) => [one, told.toLowerCase()]);
        expect(believed).toEqual(messages.map(one => [one.uid, [...one.flags].sort().join(' ')]));
      }
    }
    expect(await this.#opened.verify()).toEqual([]);
    expect(await this.#opened.unreferenced(never, 1000)).toHaveLength(
      this.#count - new Set(this.plain.mailboxes.flatMap(({ messages }) => messages.map(one => one.emailId))).size,
    );
  }

  async #note(): Promise<void> {
    for (const [place, name] of NAMES.entries()) {
      const { at } = await this.#opened.find(name);
      this.#times[place]?.set(at, this.plain.clock);
    }
  }

  #id(place: number): MailboxId {
    const id = this.#ids[place];
    if (id === undefined) throw new Error('no such mailbox');
    return id;
  }

  #plain(place: number) {
    const mailbox = this.plain.mailboxes[place];
    if (!mailbox) throw new Error('no such mailbox');
    return mailbox;
  }
}

function lower(names: readonly string[]): string[] {
  return names.map(name => name.toLowerCase());
}

it('does what plain arrays do, and so do those who follow its changes', {
  timeout: long ? 1_800_000 : 120_000,
}, async () => {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), async all => {
      accounts += 1;
      const opened = await index.open(account(`${accounts}`), {
        mailboxes: [{ kind: 'create', name: 'Other', subscribe: false }],
      });
      const run = new Run(opened, [await opened.find('INBOX'), await opened.find('Other')]);
      for (const one of all) await run.step(one);
      await run.settle();
      steps += all.length;
    }),
    { numRuns: long ? 5_000 : 70 },
  );
  expect(steps).toBeGreaterThan(1_500);
});
