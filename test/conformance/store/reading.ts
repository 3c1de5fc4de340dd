import { describe, expect, it } from 'vitest';
import type { Section } from '../../../src/mail/message.ts';
import type { Mailbox } from '../../../src/mail/store.ts';
import type { Stand } from '../store.ts';
import { ALL, add, filled, letter, message, never, only, ranges, rowsOf, textOf, uidsOf } from './session.ts';

const INNER = [
  'Subject: inner',
  'From: a@b',
  'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary=in',
  '',
  '--in',
  'Content-Type: text/plain',
  '',
  'plain',
  '--in',
  'Content-Type: text/html',
  '',
  '<p>html',
  '--in--',
  'epilogue',
].join('\r\n');
const OUTER_HEADER = [
  'Subject: outer',
  'From: c@d',
  'X-Odd: one',
  'x-odd: two',
  ' folded',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=out',
  '',
  '',
].join('\r\n');
const OUTER = `${OUTER_HEADER}${['--out', 'X-Part: 1', '', 'first', '--out', 'Content-Type: message/rfc822', '', INNER, '--out--', ''].join('\r\n')}`;

type Want = Section['want'];
const section = (path: readonly number[], kind: Exclude<Want['kind'], 'fields'>): Section => ({ path, want: { kind } });
const fields = (path: readonly number[], names: readonly string[], except = false): Section => ({
  path,
  want: { kind: 'fields', names, except },
});

export function reading(stand: Stand): void {
  describe('of rows and contents', () => {
    it('gives the rows of any uids, once each, in order, and passes over those that are gone', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 250);
      await mailbox.setFlags(ranges([100, 120]), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: 0 as never });
      await mailbox.expunge(undefined);
      const there = await uidsOf(mailbox);
      expect(there).toEqual([...Array(250).keys()].map(index => index + 1).filter(uid => uid < 100 || uid > 120));
      expect((await rowsOf(mailbox, ranges([90, 130]))).map(({ uid }) => uid)).toHaveLength(20);
      const odd = Array.from({ length: 125 }, (_, index) => 2 * index + 1);
      expect((await rowsOf(mailbox, only(...odd))).map(({ uid }) => uid)).toEqual(odd.filter(u => u < 100 || u > 120));
      expect(await rowsOf(mailbox, ranges([1000, 4_294_967_295]))).toEqual([]);
      expect(await rowsOf(mailbox, [])).toEqual([]);
    });

    it('gives the columns that were asked for, and no others need come', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      for await (const page of mailbox.rows(ALL, [], never)) expect([...page.uids]).toEqual([1, 2]);
      for await (const page of mailbox.rows(ALL, ['size'], never)) expect(page.sizes?.length).toBe(2);
      const [row] = await rowsOf(mailbox);
      expect(row?.envelope).toMatch(/^\(NIL "1" NIL/);
      expect(row?.header).toBe('Subject: 1\r\n\r\n');
    });

    it('tells ENVELOPE, BODY and BODYSTRUCTURE as they go out', async () => {
      await add(stand.store, 'INBOX', message(OUTER));
      const mailbox = await stand.store.open('INBOX', true);
      for await (const page of mailbox.rows(ALL, ['body', 'structure', 'envelope', 'saveDate'], never)) {
        expect(Buffer.from(page.bodies?.bytes ?? []).toString()).toMatch(/^\(\("text" "plain" .*"mixed"\)$/s);
        expect(Buffer.from(page.structures?.bytes ?? []).toString()).toMatch(/"message" "rfc822".*"boundary" "out"/s);
        expect(Math.abs((page.saveDates?.[0] ?? 0) - Date.now())).toBeLessThan(60_000);
      }
    });

    it.each<[string, Section, string | undefined]>([
      ['BODY[]', section([], 'all'), OUTER],
      ['BODY[HEADER]', section([], 'header'), OUTER_HEADER],
      ['BODY[TEXT]', section([], 'text'), OUTER.slice(OUTER_HEADER.length)],
      ['BODY[MIME]', section([], 'mime'), undefined],
      ['BODY[1]', section([1], 'all'), 'first'],
      ['BODY[1.MIME]', section([1], 'mime'), 'X-Part: 1\r\n\r\n'],
      ['BODY[1.HEADER]', section([1], 'header'), undefined],
      ['BODY[2]', section([2], 'all'), INNER],
      ['BODY[2.HEADER]', section([2], 'header'), INNER.slice(0, INNER.indexOf('--in'))],
      ['BODY[2.TEXT]', section([2], 'text'), INNER.slice(INNER.indexOf('--in'))],
      ['BODY[2.1]', section([2, 1], 'all'), 'plain'],
      ['BODY[2.2]', section([2, 2], 'all'), '<p>html'],
      ['BODY[2.3]', section([2, 3], 'all'), undefined],
      ['BODY[3]', section([3], 'all'), undefined],
      [
        'fields',
        fields([], ['subject', 'X-ODD', 'none']),
        'Subject: outer\r\nX-Odd: one\r\nx-odd: two\r\n folded\r\n\r\n',
      ],
      ['fields of a part', fields([2], ['From']), 'From: a@b\r\n\r\n'],
      ['all but fields', fields([2], ['From', 'subject', 'content-type'], true), 'MIME-Version: 1.0\r\n\r\n'],
      ['no field', fields([], ['none']), '\r\n'],
    ])('finds %s', async (_, wanted, expected) => {
      await add(stand.store, 'INBOX', message(OUTER));
      expect(await textOf(await stand.store.open('INBOX', true), 1, wanted)).toBe(expected);
    });

    it('gives any piece of a section', async () => {
      const long = `Subject: long\r\n\r\n${Array.from({ length: 30_000 }, (_, n) => `Line ${n}\r\n`).join('')}`;
      await add(stand.store, 'INBOX', message(OUTER), message(long, { chunk: 60_000 }));
      const mailbox = await stand.store.open('INBOX', true);
      const pieces = [
        [0, 1],
        [5, 20],
        [0, 5000],
        [100, 100],
        [350, 9999],
        [9999, 20_000],
        [262_000, 263_000],
      ] as const;
      const check = async (uid: number, wanted: Section, whole: string) => {
        for (const range of pieces) expect(await textOf(mailbox, uid, wanted, range)).toBe(whole.slice(...range));
      };
      await check(1, section([], 'all'), OUTER);
      await check(1, section([2], 'all'), INNER);
      await check(1, section([], 'header'), OUTER_HEADER);
      await check(1, fields([], ['Subject']), 'Subject: outer\r\n\r\n');
      await check(2, section([], 'all'), long);
      await check(2, section([], 'text'), long.slice(long.indexOf('Line 0')));
    });

    it('gives the fields of a header of any length', async () => {
      const fill = `X-Fill: ${'x'.repeat(3_000_000)}\r\n`;
      const text = `Subject: a\r\n${fill}To: b\r\n\r\ntext`;
      await add(stand.store, 'INBOX', message(text, { chunk: 100_000 }));
      const mailbox = await stand.store.open('INBOX', true);
      expect(await textOf(mailbox, 1, fields([], ['to', 'subject']))).toBe('Subject: a\r\nTo: b\r\n\r\n');
      expect(await textOf(mailbox, 1, fields([], ['x-fill']))).toBe(`${fill}\r\n`);
      expect(await textOf(mailbox, 1, fields([], ['x-fill']), [3_000_005, 3_000_012])).toBe('xxx\r\n\r\n');
      expect(await textOf(mailbox, 1, section([], 'header'))).toHaveLength(text.length - 4);
    });

    it('gives chunks that may be overwritten', async () => {
      await add(stand.store, 'INBOX', message(OUTER));
      const mailbox = await stand.store.open('INBOX', true);
      const [row] = await rowsOf(mailbox);
      for (const wanted of [section([], 'all'), section([], 'header'), fields([], ['From'])]) {
        const content = row && (await mailbox.content(row.content, wanted, never));
        const read = async () => {
          const chunks: Buffer[] = [];
          for await (const chunk of content?.read() ?? []) {
            chunks.push(Buffer.from(chunk));
            chunk.fill(0);
          }
          return Buffer.concat(chunks).toString();
        };
        const first = await read();
        expect(first.length).toBe(content?.size);
        expect(await read()).toBe(first);
      }
      expect((await rowsOf(mailbox))[0]?.header).toBe(OUTER_HEADER);
    });

    it('goes on reading pages while messages are expunged and arrive', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 500);
      const other = await (await stand.another()).open('INBOX', false);
      const seen: number[] = [];
      for await (const page of mailbox.rows(ALL, ['flags'], never)) {
        if (seen.length === 0) await expungeAll(other, 200);
        seen.push(...page.uids);
      }
      expect(seen.slice(0, 199)).toEqual([...Array(199).keys()].map(index => index + 1));
      expect(new Set(seen).size).toBe(seen.length);
      expect([...seen].sort((one, two) => one - two)).toEqual(seen);
    });

    it('stops with the signal', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 3);
      const gone = new Error('the client is gone');
      const all = async () => {
        for await (const _ of mailbox.rows(ALL, ['flags'], AbortSignal.abort(gone)));
      };
      await all().catch(error => expect(error).toBe(gone));
      await add(stand.store, 'INBOX', letter('still there'));
      expect(await uidsOf(mailbox)).toHaveLength(4);
    });
  });
}

async function expungeAll(mailbox: Mailbox, from: number): Promise<void> {
  const { at } = await mailbox.snapshot(false);
  await mailbox.setFlags(ranges([from, 1000]), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
  await mailbox.expunge(undefined);
}
