import { describe, expect, it } from 'vitest';
import type { ModSeq, Uid } from '../../../src/mail/ids.ts';
import type { Mailbox } from '../../../src/mail/store.ts';
import fc from '../../support/fast-check.ts';
import type { Stand } from '../store.ts';
import { add, cursor, filled, flagsOf, letter, only, pull, uidsOf } from './session.ts';

type Step = readonly ['append' | 'flag' | 'unflag' | 'expunge' | 'copy' | 'move', number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('append', 'flag', 'unflag', 'expunge', 'copy', 'move'),
  fc.integer({ min: 1, max: 12 }),
);

export function changing(stand: Stand): void {
  const play = async (mailbox: Mailbox, [kind, uid]: Step) => {
    const { at } = await mailbox.snapshot(false);
    const set = (change: 'add' | 'remove', flag: string) =>
      mailbox.setFlags(only(uid), { kind: change, flags: [flag] }, { viewAt: at });
    if (kind === 'append') await add(stand.store, 'INBOX', letter(uid));
    else if (kind === 'flag') await set('add', `k${uid % 3}`);
    else if (kind === 'unflag') await set('remove', `k${uid % 3}`);
    else if (kind === 'expunge') {
      await set('add', '\\Deleted');
      await mailbox.expunge(only(uid));
    } else await mailbox.copy(only(uid), 'INBOX', kind === 'move');
  };

  describe('of changes', () => {
    it('tells each page by page, with every limit', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 3);
      const { at } = await mailbox.snapshot(false);
      for (const kind of ['flag', 'append', 'move', 'expunge', 'copy', 'append'] as const)
        await play(mailbox, [kind, 2]);
      await mailbox.setFlags([[1 as Uid, 9 as Uid]], { kind: 'add', flags: ['\\Seen'] }, { viewAt: at });
      const { events: all, last } = await pull(mailbox, at);
      expect(all.length).toBeGreaterThan(4);
      const sorted = [...all].sort((one, two) => one.modseq - two.modseq || one.uid - two.uid);
      for (let limit = 1; limit <= all.length + 1; limit += 1) {
        const { events, last: end } = await pull(mailbox, at, limit);
        expect(events.sort((one, two) => one.modseq - two.modseq || one.uid - two.uid)).toEqual(sorted);
        expect(end.next).toEqual(last.next);
      }
      expect(last.status).toEqual(await stand.store.status('INBOX'));
      expect((await pull(mailbox, last.next)).events).toEqual([]);
    });

    it('leaves what happens between two pages for the next time', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 4);
      const { at } = await mailbox.snapshot(false);
      await mailbox.setFlags(only(1, 2, 3), { kind: 'add', flags: ['\\Seen'] }, { viewAt: at });
      const first = await mailbox.changes(cursor(at), 1);
      await mailbox.setFlags(only(2, 4), { kind: 'add', flags: ['\\Flagged'] }, { viewAt: at });
      await add(stand.store, 'INBOX', letter(5));
      const { events, last } = await pull(mailbox, first.next, 1);
      // The second has moved behind the fence.
      expect(events.map(({ uid }) => uid)).toEqual([3]);
      const later = await pull(mailbox, last.next);
      expect(later.events.map(({ uid }) => uid).sort()).toEqual([2, 4, 5]);
    });

    it('tells any view, from wherever it stands, all it needs to know the truth', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 3);
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 15 }),
          fc.nat(14),
          fc.integer({ min: 1, max: 4 }),
          async (steps, when, limit) => {
            const belief = new Map(Object.entries(await flagsOf(mailbox)));
            let from = await mailbox.snapshot(false);
            for (const [index, one] of steps.entries()) {
              await play(mailbox, one);
              if (index !== when) continue;
              from = await mailbox.snapshot(false);
              belief.clear();
              for (const [uid, flags] of Object.entries(await flagsOf(mailbox))) belief.set(uid, flags);
            }
            const { events, last } = await pull(mailbox, from.at, limit);
            for (const { uid, flags } of events) {
              if (flags) belief.set(String(uid), [...flags].sort());
              else belief.delete(String(uid));
            }
            expect(Object.fromEntries(belief)).toEqual(await flagsOf(mailbox));
            expect(last.status.exists).toBe(belief.size);
            expect(last.next.modseq).toBe((await mailbox.snapshot(false)).at);
          },
        ),
        { numRuns: 25 },
      );
    });

    it('knows which messages were there at an earlier position', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 5);
      const states: { at: ModSeq; uidNext: Uid; uids: readonly number[] }[] = [];
      for (const one of [
        ['flag', 1],
        ['append', 1],
        ['expunge', 2],
        ['move', 4],
        ['append', 2],
        ['expunge', 7],
      ] as const) {
        const { at, uidNext } = await mailbox.snapshot(false);
        states.push({ at, uidNext, uids: await uidsOf(mailbox) });
        await play(mailbox, one);
      }
      for (const { at, uidNext, uids } of states) expect([...(await mailbox.uids(at, uidNext))]).toEqual(uids);
    });

    it('has a position that only grows, and that a failure does not move', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const { at } = await mailbox.snapshot(false);
      await mailbox.copy(only(1), 'nowhere', false).catch(() => {});
      expect((await mailbox.snapshot(false)).at).toBe(at);
      await mailbox.claimRecent(3 as Uid);
      expect((await mailbox.snapshot(false)).at).toBe(at);
    });

    it('says nothing new at once, and what others do at the next pull', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const other = await (await stand.another()).open('INBOX', false);
      let { next } = (await pull(mailbox, 0)).last;
      for (const one of [
        ['flag', 1],
        ['append', 1],
        ['copy', 2],
        ['move', 1],
        ['expunge', 2],
      ] as const) {
        for (let again = 0; again < 3; again += 1) expect((await pull(mailbox, next)).events).toEqual([]);
        await play(other, one);
        const { events, last } = await pull(mailbox, next);
        expect(events.length).toBeGreaterThan(0);
        expect(last.status).toEqual(await stand.store.status('INBOX'));
        next = last.next;
      }
    });
  });

  describe('of recent messages', () => {
    it('says which are recent to whoever claims them first', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 3);
      expect(await mailbox.snapshot(false)).toMatchObject({ recentFrom: 1, recent: 3 });
      expect(await mailbox.snapshot(true)).toMatchObject({ recentFrom: 1, recent: 3 });
      expect(await mailbox.snapshot(true)).toMatchObject({ recentFrom: 4, recent: 0 });
      await add(stand.store, 'INBOX', letter(4), letter(5));
      expect(await stand.store.status('INBOX')).toMatchObject({ recent: 2 });
      const other = await (await stand.another()).open('INBOX', false);
      expect(await other.claimRecent(6 as Uid)).toBe(4);
      expect(await mailbox.claimRecent(6 as Uid)).toBe(6);
      expect((await pull(mailbox, 0)).last.status).toMatchObject({ recent: 0, recentFrom: 6 });
    });

    it('are left to others by a mailbox opened for reading', async () => {
      await filled(stand.store, 'INBOX', 2);
      const reader = await stand.store.open('INBOX', true);
      await reader.snapshot(true);
      expect(await reader.snapshot(false)).toMatchObject({ recentFrom: 1, recent: 2 });
    });

    it('tells changed counters of them in changes, although the log has not moved', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 2);
      const { next, status } = (await pull(mailbox, 0)).last;
      expect(status.recent).toBe(2);
      await mailbox.claimRecent(3 as Uid);
      expect((await mailbox.changes(next, 10)).status.recent).toBe(0);
    });
  });
}
