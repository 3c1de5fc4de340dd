import { describe, expect, it } from 'vitest';
import type { MailboxId } from '../../../src/mail/ids.ts';
import type { Cursor } from '../../../src/mail/message.ts';
import { everything, modSeq, never, newRow, past, range, ranges, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

export function changesConformance(stage: IndexStage): void {
  const inbox = async () => (await stage.account.find('INBOX')).id;
  const add = (id: MailboxId, count: number) =>
    stage.account.append(
      id,
      Array.from({ length: count }, (_, n) => newRow(`${n}`)),
    );
  const flag = (id: MailboxId, uids: ReturnType<typeof range>, ...flags: string[]) =>
    stage.account.setFlags(id, uids, { kind: 'add', flags }, { viewAt: never });
  /** All pages: what is told, in order, as "uid" or "-uid". */
  const pull = async (
    id: MailboxId,
    since: Cursor,
    limit: number,
    between = async (): Promise<unknown> => undefined,
  ) => {
    const told: string[] = [];
    let cursor = since;
    for (let pages = 1; ; pages += 1) {
      const page = await stage.account.changes(id, cursor, limit);
      const all = [
        ...[...page.changed.uids].map((one, n) => ({ at: page.changed.modseqs[n] ?? 0, uid: one, text: `${one}` })),
        ...[...page.expunged.uids].map((one, n) => ({ at: page.expunged.modseqs[n] ?? 0, uid: one, text: `-${one}` })),
      ].sort((a, b) => a.at - b.at || a.uid - b.uid);
      expect(all.length).toBeLessThanOrEqual(limit);
      told.push(...all.map(({ text }) => text));
      cursor = page.next;
      if (page.done) return { told, page, pages, cursor };
      await between();
    }
  };

  describe('changes', () => {
    it('tells nothing when there is nothing', async () => {
      const id = await inbox();
      await add(id, 3);
      const { at } = await stage.account.find('INBOX');
      const page = await stage.account.changes(id, past(at), 10);
      expect(page).toMatchObject({ done: true, next: { modseq: at }, status: { at, exists: 3 } });
      expect([page.changed.uids.length, page.expunged.uids.length, page.gone]).toEqual([0, 0, undefined]);
      const again = await stage.account.changes(id, page.next, 10);
      expect([again.next, again.changed.uids.length]).toEqual([page.next, 0]);
    });

    it('tells rows and tombstones by their modseqs, in pages of any size', async () => {
      const id = await inbox();
      const { at: start } = await stage.account.find('INBOX');
      await add(id, 6);
      await flag(id, ranges([2, 2], [5, 5]), '\\Seen');
      await flag(id, ranges([1, 1], [4, 4]), '\\Deleted');
      await stage.account.expunge(id, undefined);
      await flag(id, range(3), 'Key');
      for (const limit of [1, 2, 3, 4, 100]) {
        const { told, page, cursor } = await pull(id, past(start), limit);
        expect(told).toEqual(['6', '2', '5', '-1', '-4', '3']);
        expect(page).toMatchObject({ keywords: ['Key'], moreKeywords: true, status: { exists: 4, unseen: 2 } });
        expect(cursor.modseq).toBe((await stage.account.find('INBOX')).at);
      }
      const { told } = await pull(id, { modseq: start, uid: uid(0) }, 4);
      expect(told).toHaveLength(6);
    });

    it('goes on within a modseq', async () => {
      const id = await inbox();
      const { at } = await add(id, 9);
      expect((await pull(id, { modseq: at, uid: uid(4) }, 2)).told).toEqual(['5', '6', '7', '8', '9']);
      expect((await pull(id, { modseq: modSeq(at - 1), uid: uid(4) }, 100)).told).toHaveLength(9);
      expect((await pull(id, past(at), 2)).told).toEqual([]);
    });

    it('leaves for the next time what happens while pages are pulled', async () => {
      const id = await inbox();
      const { at: start } = await stage.account.find('INBOX');
      await add(id, 8);
      let turn = 0;
      const { told, cursor } = await pull(id, past(start), 2, async () => {
        turn += 1;
        if (turn === 1) await flag(id, ranges([2, 2], [5, 5]), '\\Deleted');
        if (turn === 2) await stage.account.expunge(id, range(5));
        if (turn === 2) await add(id, 1);
      });
      expect(told).toEqual(['1', '2', '3', '4', '6', '7', '8']);
      expect((await pull(id, cursor, 100)).told).toEqual(['2', '-5', '9']);
    });

    it('finds changes across many blocks of UIDs', async () => {
      const id = await inbox();
      for (let n = 0; n < 4; n += 1) await add(id, 300);
      const { at } = await stage.account.find('INBOX');
      await flag(id, ranges([1, 1], [256, 257], [600, 600], [1200, 1200]), '\\Seen');
      await flag(id, range(255), '\\Seen');
      expect((await pull(id, past(at), 2)).told).toEqual(['1', '256', '257', '600', '1200', '255']);
      await flag(id, range(1, 1200), 'All');
      const { told, pages } = await pull(id, past(at), 500);
      expect([told.length, pages]).toEqual([1200, 3]);
    });

    it('rebuilds the UIDs of a position that is past', async () => {
      const id = await inbox();
      await add(id, 6);
      const then = await stage.account.find('INBOX');
      await flag(id, ranges([2, 2], [5, 6]), '\\Deleted');
      await stage.account.expunge(id, undefined);
      await add(id, 2);
      const now = await stage.account.find('INBOX');
      expect(await stage.account.uids(id, then.at, then.uidNext)).toEqual(new Uint32Array([1, 2, 3, 4, 5, 6]));
      expect(await stage.account.uids(id, now.at, now.uidNext)).toEqual(new Uint32Array([1, 3, 4, 7, 8]));
      expect(await stage.account.uids(id, now.at, uid(4))).toEqual(new Uint32Array([1, 3]));
    });

    it('says when expunges are forgotten that a position would have to be told', async () => {
      const id = await inbox();
      await add(id, 4);
      const first = await stage.account.find('INBOX');
      await flag(id, range(1), '\\Deleted');
      const one = await stage.account.expunge(id, undefined);
      await flag(id, range(2), '\\Deleted');
      const two = await stage.account.expunge(id, undefined);
      await flag(id, range(3), '\\Seen');
      await stage.account.trim(id, one.at);
      const late = await stage.account.changes(id, past(first.at), 100);
      expect(late.gone).toBe('reset');
      expect([...late.changed.uids]).toEqual([3]);
      const intime = await stage.account.changes(id, past(one.at), 100);
      expect([intime.gone, [...intime.expunged.uids]]).toEqual([undefined, [2]]);
      await stage.account.trim(id, modSeq(two.at + 1_000_000_000_000));
      const { at } = await stage.account.find('INBOX');
      expect((await stage.account.changes(id, past(at), 10)).gone).toBeUndefined();
      expect(await stage.account.uids(id, at, uid(100))).toEqual(new Uint32Array([3, 4]));
      // Nothing that could be missed was forgotten since.
      await flag(id, range(4), '\\Seen');
      await stage.account.trim(id, never);
      expect((await stage.account.changes(id, past(at), 10)).gone).toBeUndefined();
    });

    it('says that a position is ahead of all there was', async () => {
      const id = await inbox();
      await add(id, 1);
      const page = await stage.account.changes(id, past(never - 1), 10);
      expect(page).toMatchObject({ gone: 'reset', done: true, changed: { uids: new Uint32Array() } });
    });

    it('says that a mailbox is gone', async () => {
      await stage.account.edit({ kind: 'create', name: 'X' });
      const { id, at } = await stage.account.find('X');
      await add(id, 1);
      await stage.account.edit({ kind: 'delete', name: 'X' });
      expect(await stage.account.changes(id, past(at), 10)).toMatchObject({ gone: 'deleted', done: true });
      await expect(stage.account.uids(id, at, uid(9))).rejects.toMatchObject({ kind: 'gone' });
      await expect(stage.account.rows(id, everything, [], uid(0), 9)).rejects.toMatchObject({ kind: 'gone' });
      await expect(stage.account.claimRecent(id, uid(9))).rejects.toMatchObject({ kind: 'gone' });
      await stage.account.trim(id, never);
    });

    it('tells each of many writers another modseq and UID', async () => {
      const id = await inbox();
      const { at: start } = await stage.account.find('INBOX');
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          n % 4 === 3 ? flag(id, everything, `key${n}`) : stage.account.append(id, [newRow(`${n}`)]),
        ),
      );
      const appended = all.flatMap(one => ('first' in one ? [one.first] : []));
      expect(new Set(appended).size).toBe(30);
      expect(appended).toEqual([...appended].sort((a, b) => a - b));
      const positions = all.map(({ at }) => at);
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
      expect((await pull(id, past(start), 7)).told).toHaveLength(30);
    });
  });
}
