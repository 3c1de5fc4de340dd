import { describe, expect, it } from 'vitest';
import { renderRanges } from '../../../src/mail/uid-ranges.ts';
import type { Stand } from '../store.ts';
import {
  ALL,
  add,
  cursor,
  filled,
  flagsOf,
  kindOf,
  letter,
  message,
  only,
  pull,
  rowsOf,
  textOf,
  uidsOf,
} from './session.ts';

export function copying(stand: Stand): void {
  const create = (name: string) => stand.store.edit({ kind: 'create', name });
  const rendered = ({
    from,
    to,
  }: {
    from: Parameters<typeof renderRanges>[0];
    to: Parameters<typeof renderRanges>[0];
  }) => [renderRanges(from), renderRanges(to)];

  describe('of copies, moves and expunges', () => {
    it('copies messages with their flags, dates, email ids and texts', async () => {
      await create('copies');
      await add(stand.store, 'copies', letter('before'));
      const date = { time: 1_600_000_000_000, zone: 60 };
      await add(
        stand.store,
        'INBOX',
        letter(1),
        message('Subject: 2\r\n\r\nText of 2', { flags: ['\\Seen', 'kw'], date }),
        letter(3),
      );
      const mailbox = await stand.store.open('INBOX', true);
      const copied = await mailbox.copy(only(2, 3, 99), 'copies', false);
      const status = await stand.store.status('copies');
      expect(rendered(copied)).toEqual(['2:3', '2:3']);
      expect(copied).toMatchObject({ uidValidity: status.uidValidity, at: status.at });
      const target = await stand.store.open('copies', true);
      expect(await flagsOf(target)).toEqual({ 1: [], 2: ['\\Seen', 'kw'], 3: [] });
      const [old, copy] = [(await rowsOf(mailbox))[1], (await rowsOf(target))[1]];
      expect(copy).toMatchObject({ date, emailId: old?.emailId, header: old?.header, size: old?.size });
      expect(await textOf(target, 2)).toBe('Subject: 2\r\n\r\nText of 2');
      expect(await uidsOf(mailbox)).toEqual([1, 2, 3]);
      expect(status).toMatchObject({ exists: 3, unseen: 2 });
    });

    it('keeps a copy when the original goes, and the original when the copy goes', async () => {
      await create('copies');
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const target = await stand.store.open('copies', false);
      await mailbox.copy(ALL, 'copies', false);
      const { at } = await mailbox.snapshot(false);
      await mailbox.setFlags(only(1), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
      await mailbox.expunge(undefined);
      await target.setFlags(only(2), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
      await target.expunge(undefined);
      expect(await textOf(target, 1)).toContain('Text of 1');
      expect(await textOf(mailbox, 2)).toContain('Text of 2');
    });

    it('copies into the mailbox they are in', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 3);
      expect(rendered(await mailbox.copy(only(1, 3), 'INBOX', false))).toEqual(['1,3', '4:5']);
      expect(await uidsOf(mailbox)).toEqual([1, 2, 3, 4, 5]);
      expect(rendered(await mailbox.copy(only(2, 5), 'INBOX', true))).toEqual(['2,5', '6:7']);
      expect(await uidsOf(mailbox)).toEqual([1, 3, 4, 6, 7]);
      expect(await textOf(mailbox, 7)).toContain('Text of 3');
      expect(await stand.store.status('INBOX')).toMatchObject({ exists: 5, unseen: 5, uidNext: 8 });
    });

    it('moves messages: here gone and there new, in both logs', async () => {
      await create('moved');
      const mailbox = await filled(stand.store, 'INBOX', 3);
      const target = await stand.store.open('moved', true);
      const [before, there] = [(await mailbox.snapshot(false)).at, (await target.snapshot(false)).at];
      const moved = await mailbox.copy(only(1, 3), 'moved', true);
      expect(rendered(moved)).toEqual(['1,3', '1:2']);
      expect((await pull(mailbox, before)).events).toMatchObject([
        { uid: 1, flags: undefined },
        { uid: 3, flags: undefined },
      ]);
      expect((await pull(target, there)).events.map(({ uid, modseq }) => [uid, modseq])).toEqual([
        [1, moved.at],
        [2, moved.at],
      ]);
      expect(await uidsOf(mailbox)).toEqual([2]);
      expect(await textOf(target, 2)).toContain('Text of 3');
      expect(await stand.store.status('INBOX')).toMatchObject({ exists: 1 });
    });

    it('changes nothing when there is no such mailbox, or no such message', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const before = await stand.store.status('INBOX');
      for (const move of [false, true]) expect(await kindOf(mailbox.copy(ALL, 'nowhere', move))).toBe('no-target');
      for (const move of [false, true]) expect(rendered(await mailbox.copy(only(7), 'INBOX', move))).toEqual(['', '']);
      expect(rendered(await mailbox.copy([], 'INBOX', false))).toEqual(['', '']);
      expect(await stand.store.status('INBOX')).toEqual(before);
    });

    it('expunges what is deleted, among the uids if some are named', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 5);
      const { at } = await mailbox.snapshot(false);
      await mailbox.setFlags(only(1, 3, 5), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
      const first = await mailbox.expunge(only(2, 3));
      expect(await uidsOf(mailbox)).toEqual([1, 2, 4, 5]);
      expect((await mailbox.snapshot(false)).at).toBe(first);
      const second = await mailbox.expunge(undefined);
      expect(await uidsOf(mailbox)).toEqual([2, 4]);
      expect(second).toBeGreaterThan(first);
      expect(await mailbox.expunge(undefined)).toBe(second);
      expect((await pull(mailbox, cursor(first))).events.map(({ uid, flags }) => [uid, flags])).toEqual([
        [1, undefined],
        [5, undefined],
      ]);
      expect(await stand.store.status('INBOX')).toMatchObject({ exists: 2, deleted: 0, unseen: 2, uidNext: 6 });
    });
  });
}
