import { describe, expect, it } from 'vitest';
import type { Field } from '../../../src/mail/rows.ts';
import { bytesAt } from '../../../src/mail/rows.ts';
import type { UidRanges } from '../../../src/mail/uid-ranges.ts';
import type { StoredRowPage } from '../../../src/store/index/index-port.ts';
import { everything, never, newRow, range, ranges, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

const ALL: readonly Field[] = [
  'flags',
  'modseq',
  'size',
  'date',
  'saveDate',
  'emailId',
  'threadId',
  'envelope',
  'body',
  'structure',
  'header',
  'content',
];

export function messagesConformance(stage: IndexStage): void {
  const inbox = async () => (await stage.account.find('INBOX')).id;
  const textAt = (column: StoredRowPage['envelopes'], row: number) => {
    const bytes = column && bytesAt(column, row);
    return bytes && new TextDecoder().decode(bytes);
  };
  const pages = async (uids: UidRanges, want: readonly Field[], limit: number) => {
    const id = await inbox();
    const all: StoredRowPage[] = [];
    let after = uid(0);
    for (;;) {
      const page = await stage.account.rows(id, uids, want, after, limit);
      all.push(page);
      if (page.next === undefined) return all;
      expect(page.next).toBeGreaterThan(after);
      after = page.next;
    }
  };
  const uidsOf = (all: readonly StoredRowPage[]) => all.flatMap(page => [...page.uids]);

  describe('messages', () => {
    it('gives UIDs in order and counts', async () => {
      const id = await inbox();
      const first = await stage.account.append(id, [newRow('a', { flags: ['\\Seen'] }), newRow('bb')]);
      const second = await stage.account.append(id, [newRow('ccc', { flags: ['\\Deleted', '\\Flagged'] })]);
      expect([first.first, second.first]).toEqual([1, 3]);
      expect(second.at).toBeGreaterThan(first.at);
      const status = await stage.account.find('INBOX');
      expect(status).toEqual({
        id,
        at: second.at,
        uidValidity: first.uidValidity,
        uidNext: 4,
        exists: 3,
        unseen: 2,
        deleted: 1,
        size: 3000 + 1 + 2 + 3,
        recentFrom: 1,
        recent: 3,
      });
      expect(await stage.account.append(id, [])).toMatchObject({ first: 4, at: second.at });
    });

    it('gives modseqs that are not before the clock', async () => {
      const id = await inbox();
      const start = Date.now() * 1000;
      expect((await stage.account.append(id, [newRow('a')])).at).toBeGreaterThanOrEqual(start);
      const before = Date.now() * 1000;
      const { at } = await stage.account.setFlags(id, everything, { kind: 'add', flags: ['x'] }, { viewAt: never });
      expect(at).toBeGreaterThanOrEqual(before);
    });

    it('adds all messages of a call or none', async () => {
      const id = await inbox();
      const many = Array.from({ length: 49 }, (_, n) => newRow(`${n}`, { flags: [`key${n}`] }));
      await expect(stage.account.append(id, many)).rejects.toMatchObject({ kind: 'limit' });
      expect(await stage.account.snapshot(id, false)).toMatchObject({ exists: 0, uidNext: 1, keywords: [] });
      expect(await stage.account.known(many.map(row => row.blob))).toEqual(new Set());
    });

    it('gives back every column', async () => {
      const id = await inbox();
      const rows = [
        newRow('one', { flags: ['\\Seen', 'Key'], zone: -330, sentDay: undefined }),
        newRow('zwei ü', { header: undefined, layout: new Uint8Array([0, 1, 255, 0]), envelope: new Uint8Array(0) }),
        newRow('three', { flags: ['\\Draft'], header: new Uint8Array([0, 128, 255, 10]) }),
      ];
      const { at } = await stage.account.append(id, rows);
      const [page, ...more] = await pages(everything, ALL, 100);
      expect(more).toEqual([]);
      expect(page).toMatchObject({
        uids: new Uint32Array([1, 2, 3]),
        keywords: ['Key'],
        flags: new Float64Array([8 + 32, 0, 16]),
        modseqs: new Float64Array([at, at, at]),
        sizes: new Float64Array(rows.map(row => row.size)),
        dates: new Float64Array(rows.map(row => row.time)),
        zones: new Int16Array([-330, 60, 60]),
        saveDates: new Float64Array(rows.map(row => row.saveTime)),
        emailIds: rows.map(row => row.emailId),
        threadIds: ['', '', ''],
      });
      const texts = rows.map((_, n) =>
        [page?.envelopes, page?.bodies, page?.structures].map(column => textAt(column, n)),
      );
      expect(texts).toEqual([
        ['(envelope one)', '(body one)', '(structure one)'],
        ['', '(body zwei ü)', '(structure zwei ü)'],
        ['(envelope three)', '(body three)', '(structure three)'],
      ]);
      const headers = rows.map((_, n) => page?.headers && bytesAt(page.headers, n));
      expect(headers).toEqual(rows.map(row => row.header));
      expect(page?.contents).toEqual(
        rows.map(({ blob, size, layout, header }, n) => ({ uid: n + 1, blob, size, layout, header })),
      );
    });

    it('gives only the columns asked for', async () => {
      const id = await inbox();
      await stage.account.append(id, [newRow('a')]);
      for (const field of ALL) {
        const [page] = await pages(everything, [field], 10);
        const extra = field === 'date' ? 2 : 1;
        expect(Object.values(page ?? {}).filter(value => value !== undefined)).toHaveLength(2 + extra);
      }
      const [bare] = await pages(everything, [], 10);
      expect(Object.keys(bare ?? {}).sort()).toEqual(['keywords', 'next', 'uids']);
    });

    it('passes over what is not there, in ranges of any kind', async () => {
      const id = await inbox();
      await stage.account.append(
        id,
        Array.from({ length: 60 }, (_, n) => newRow(`${n}`)),
      );
      const gone = ranges([2, 2], [10, 30], [60, 60]);
      await stage.account.setFlags(id, gone, { kind: 'add', flags: ['\\Deleted'] }, { viewAt: never });
      await stage.account.expunge(id, undefined);
      const left = [1, ...Array.from({ length: 7 }, (_, n) => n + 3), ...Array.from({ length: 29 }, (_, n) => n + 31)];
      for (const limit of [1, 7, 1000]) {
        for (const want of [[], ['envelope'], ['content', 'flags']] as const) {
          expect(uidsOf(await pages(everything, want, limit))).toEqual(left);
          const singles = Array.from({ length: 30 }, (_, n) => [2 * n + 1, 2 * n + 1] as const);
          expect(uidsOf(await pages(ranges(...singles), want, limit))).toEqual(left.filter(one => one % 2 === 1));
          const mixed = ranges([1, 1], [3, 3], [5, 40], [42, 42], [44, 4_000_000_000]);
          const inMixed = left.filter(one => one <= 3 || (one >= 5 && one <= 40) || one === 42 || one >= 44);
          expect(uidsOf(await pages(mixed, want, limit))).toEqual(inMixed);
        }
      }
      expect(uidsOf(await pages(range(61, 70), ['flags'], 10))).toEqual([]);
      expect(uidsOf(await pages([], ['flags'], 10))).toEqual([]);
    });

    it('gives wide columns of many hundreds, each once', async () => {
      const id = await inbox();
      await stage.account.append(
        id,
        Array.from({ length: 700 }, (_, n) => newRow(`${n + 1}`, n % 3 === 0 ? { header: undefined } : {})),
      );
      const odd = ranges(...Array.from({ length: 350 }, (_, n) => [2 * n + 1, 2 * n + 1] as const));
      for (const limit of [1000, 300, 129]) {
        const all = await pages(everything, ['envelope', 'header'], limit);
        for (const page of all) expect(page.uids.length).toBeLessThanOrEqual(limit);
        const told = all.flatMap(page =>
          [...page.uids].map((one, n) => [one, textAt(page.envelopes, n), textAt(page.headers, n)]),
        );
        expect(told).toEqual(
          Array.from({ length: 700 }, (_, n) => [
            n + 1,
            `(envelope ${n + 1})`,
            n % 3 === 0 ? undefined : `Subject: ${n + 1}\r\n\r\n`,
          ]),
        );
        expect(uidsOf(await pages(odd, ['structure'], limit))).toEqual(
          Array.from({ length: 350 }, (_, n) => 2 * n + 1),
        );
      }
    });

    it('bounds a page by octets, whatever its rows have', async () => {
      const id = await inbox();
      const big = new Uint8Array(400_000).fill(65);
      await stage.account.append(id, [
        ...Array.from({ length: 6 }, (_, n) => newRow(`${n}`, { header: big })),
        newRow('huge', { envelope: new Uint8Array(3_000_000).fill(66) }),
        newRow('small'),
      ]);
      const all = await pages(everything, ['header', 'envelope'], 1000);
      expect(uidsOf(all)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(all.length).toBeGreaterThanOrEqual(3);
      for (const page of all) {
        const octets = (page.headers?.bytes.length ?? 0) + (page.envelopes?.bytes.length ?? 0);
        expect(octets).toBeLessThan(4_500_000);
      }
      const last = all.flatMap(page => [...page.uids].map((_, n) => textAt(page.envelopes, n))).at(-1);
      expect(last).toBe('(envelope small)');
      expect((await pages(everything, ['flags'], 1000)).length).toBe(1);
    });

    it('lets one session claim what is recent, and tells it where it began', async () => {
      const id = await inbox();
      await stage.account.append(id, [newRow('a'), newRow('b')]);
      expect(await stage.account.snapshot(id, false)).toMatchObject({ recentFrom: 1, recent: 2 });
      expect(await stage.account.snapshot(id, true)).toMatchObject({ recentFrom: 1, recent: 2 });
      expect(await stage.account.snapshot(id, true)).toMatchObject({ recentFrom: 3, recent: 0 });
      await stage.account.append(id, [newRow('c'), newRow('d')]);
      expect(await stage.account.find('INBOX')).toMatchObject({ recentFrom: 3, recent: 2 });
      expect(await stage.account.claimRecent(id, uid(4))).toBe(3);
      expect(await stage.account.find('INBOX')).toMatchObject({ recentFrom: 4, recent: 1 });
      expect(await stage.account.claimRecent(id, uid(2))).toBe(4);
      expect(await stage.account.claimRecent(id, uid(1000))).toBe(4);
      expect(await stage.account.find('INBOX')).toMatchObject({ recentFrom: 5, recent: 0 });
      await stage.reopen();
      expect(await stage.account.find('INBOX')).toMatchObject({ recentFrom: 5, recent: 0 });
    });

    it('says where the first unseen message is, if that is cheap', async () => {
      const id = await inbox();
      const first = async () => (await stage.account.snapshot(id, false)).firstUnseen;
      expect(await first()).toBeUndefined();
      const many = (count: number, flags: readonly string[]) =>
        stage.account.append(
          id,
          Array.from({ length: count }, (_, n) => newRow(`${n}`, { flags })),
        );
      await many(5, ['\\Seen']);
      expect(await first()).toBeUndefined();
      await many(2, []);
      expect(await first()).toBe(6);
      await many(1, ['\\Seen']);
      expect(await first()).toBe(6);
      await stage.account.setFlags(id, range(2), { kind: 'remove', flags: ['\\Seen'] }, { viewAt: never });
      await stage.account.setFlags(id, range(1), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: never });
      await stage.account.expunge(id, undefined);
      expect(await first()).toBe(1);
      await stage.account.setFlags(id, range(2), { kind: 'add', flags: ['\\Seen'] }, { viewAt: never });
      await many(2500, ['\\Seen']);
      await many(1, []);
      expect(await first()).toBe(5);
      await stage.account.setFlags(id, range(6, 7), { kind: 'add', flags: ['\\Seen'] }, { viewAt: never });
      expect(await first()).toBe(2508);
    });
  });
}
