import { describe, expect, it } from 'vitest';
import { KEYWORDS_MOST } from '../../../src/mail/flags.ts';
import type { ModSeq } from '../../../src/mail/ids.ts';
import type { FlagChange } from '../../../src/mail/message.ts';
import type { Mailbox } from '../../../src/mail/store.ts';
import { renderRanges } from '../../../src/mail/uid-ranges.ts';
import type { Stand } from '../store.ts';
import { ALL, add, filled, flagsOf, kindOf, letter, only, pull, ranges, rowsOf } from './session.ts';

export function flagging(stand: Stand): void {
  const set = async (
    mailbox: Mailbox,
    uids: readonly number[],
    kind: FlagChange['kind'],
    flags: readonly string[],
    unchangedSince?: number,
  ) => {
    const { at } = await mailbox.snapshot(false);
    return mailbox.setFlags(
      only(...uids),
      { kind, flags },
      { viewAt: at, ...(unchangedSince !== undefined && { unchangedSince: unchangedSince as ModSeq }) },
    );
  };

  describe('of flags', () => {
    it('adds, removes and replaces them, and counts', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 4);
      await set(mailbox, [1, 2, 3], 'add', ['\\Seen', 'work']);
      await set(mailbox, [2], 'remove', ['\\seen', 'other']);
      await set(mailbox, [3], 'replace', ['\\Deleted', 'home']);
      await set(mailbox, [4], 'replace', []);
      expect(await flagsOf(mailbox)).toEqual({ 1: ['\\Seen', 'work'], 2: ['work'], 3: ['\\Deleted', 'home'], 4: [] });
      expect(await stand.store.status('INBOX')).toMatchObject({ exists: 4, unseen: 3, deleted: 1 });
      await set(mailbox, [1, 2, 3, 4], 'replace', ['\\Seen', '\\Answered', '\\Flagged', '\\Draft', '\\Deleted']);
      expect(await stand.store.status('INBOX')).toMatchObject({ unseen: 0, deleted: 4 });
    });

    it('keeps the first spelling of a keyword, and tells the table', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      await set(mailbox, [1], 'add', ['$Forwarded']);
      await set(mailbox, [2], 'add', ['$forwarded', 'NEW']);
      expect(await flagsOf(mailbox)).toEqual({ 1: ['$Forwarded'], 2: ['$Forwarded', 'NEW'] });
      const { keywords, moreKeywords } = await mailbox.snapshot(false);
      expect(keywords.filter(name => name !== '').sort()).toEqual(['$Forwarded', 'NEW']);
      expect(moreKeywords).toBe(true);
      await set(mailbox, [1], 'remove', ['$FORWARDED']);
      expect((await flagsOf(mailbox))[1]).toEqual([]);
    });

    it('has room for so many keywords, and gives a place that nobody uses to another', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const names = Array.from({ length: KEYWORDS_MOST }, (_, n) => `k${n}`);
      await set(mailbox, [1], 'add', names);
      expect((await flagsOf(mailbox))[1]).toEqual([...names].sort());
      expect((await mailbox.snapshot(false)).moreKeywords).toBe(false);
      expect(await kindOf(set(mailbox, [2], 'add', ['one-more', '\\Seen']))).toBe('limit');
      expect((await flagsOf(mailbox))[2]).toEqual([]);
      expect(await kindOf(add(stand.store, 'INBOX', letter(3, ['one-more'])))).toBe('limit');
      await set(mailbox, [1], 'remove', ['k7']);
      await set(mailbox, [2], 'add', ['one-more']);
      expect((await flagsOf(mailbox))[2]).toEqual(['one-more']);
      expect((await flagsOf(mailbox))[1]).not.toContain('one-more');
    });

    it('changes the modseq of what changes, and of nothing else', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 3);
      await set(mailbox, [1], 'add', ['\\Seen']);
      const before = await rowsOf(mailbox);
      const { at, changed } = await set(mailbox, [1, 2], 'add', ['\\Seen']);
      expect(changed).toBe(1);
      const after = await rowsOf(mailbox);
      expect(after[1]?.modseq).toBe(at);
      expect(at).toBeGreaterThan(before[0]?.modseq ?? Number.NaN);
      expect([after[0]?.modseq, after[2]?.modseq]).toEqual([before[0]?.modseq, before[2]?.modseq]);
      const none = await set(mailbox, [1, 2], 'add', ['\\Seen']);
      expect(none.at).toBe((await mailbox.snapshot(false)).at);
      expect(none.at).toBe(at);
      expect(none.changed).toBe(0);
    });

    it('leaves alone what has changed since', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 4);
      const { at: since } = await mailbox.snapshot(false);
      await set(mailbox, [2, 3], 'add', ['\\Flagged']);
      const { modified, missing } = await set(mailbox, [1, 2, 3, 4], 'add', ['\\Seen'], since);
      expect([renderRanges(modified), renderRanges(missing)]).toEqual(['2:3', '']);
      expect(await flagsOf(mailbox)).toEqual({ 1: ['\\Seen'], 2: ['\\Flagged'], 3: ['\\Flagged'], 4: ['\\Seen'] });
      expect(renderRanges((await set(mailbox, [1], 'add', ['x'], 0)).modified)).toBe('1');
    });

    it('says what is missing, and what somebody else changed meanwhile', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 6);
      const { at } = await mailbox.snapshot(false);
      const other = await (await stand.another()).open('INBOX', false);
      await set(other, [2, 5], 'add', ['\\Deleted']);
      await other.expunge(only(2));
      await set(other, [3, 4], 'add', ['\\Flagged']);
      const { missing, interleaved, modified } = await mailbox.setFlags(
        ranges([1, 3], [6, 6]),
        { kind: 'add', flags: ['\\Seen'] },
        { viewAt: at },
      );
      expect([renderRanges(missing), renderRanges(interleaved), renderRanges(modified)]).toEqual(['2', '3', '']);
    });

    it('says where the mailbox stood just before', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const { at } = await mailbox.snapshot(false);
      const first = await set(mailbox, [1], 'add', ['\\Seen']);
      expect(first.before).toBe(at);
      expect((await set(mailbox, [2], 'add', ['\\Seen'])).before).toBe(first.at);
    });

    it('changes nothing in a mailbox opened for reading', async () => {
      await filled(stand.store, 'INBOX', 2);
      const mailbox = await stand.store.open('INBOX', true);
      expect(mailbox.readOnly).toBe(true);
      expect(await kindOf(set(mailbox, [1], 'add', ['\\Seen']))).toBe('read-only');
      expect(await kindOf(mailbox.expunge(undefined))).toBe('read-only');
      expect(await kindOf(mailbox.copy(ALL, 'INBOX', true))).toBe('read-only');
      expect(await flagsOf(mailbox)).toEqual({ 1: [], 2: [] });
    });

    it('changes many at once, in one step of the log', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 300);
      const { at: before } = await mailbox.snapshot(false);
      const { at } = await mailbox.setFlags(ALL, { kind: 'add', flags: ['\\Seen'] }, { viewAt: before });
      const { events } = await pull(mailbox, before);
      expect(events.map(({ uid }) => uid)).toEqual([...Array(300).keys()].map(index => index + 1));
      expect(new Set(events.map(({ modseq }) => modseq))).toEqual(new Set([at]));
    });
  });
}
