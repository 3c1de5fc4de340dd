import { describe, expect, it } from 'vitest';
import { flagNames } from '../../../src/mail/flags.ts';
import type { MailboxId } from '../../../src/mail/ids.ts';
import { everything, never, newRow, range, ranges, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

export function copyingConformance(stage: IndexStage): void {
  const two = async () => {
    await stage.account.edit({ kind: 'create', name: 'Target' });
    return [(await stage.account.find('INBOX')).id, (await stage.account.find('Target')).id] as const;
  };
  const told = async (id: MailboxId) => {
    const page = await stage.account.rows(
      id,
      everything,
      ['flags', 'emailId', 'date', 'saveDate', 'size'],
      uid(0),
      1000,
    );
    return [...page.uids].map((one, n) => ({
      uid: one,
      emailId: page.emailIds?.[n],
      flags: flagNames(page.flags?.[n] ?? 0, page.keywords).join(' '),
      time: page.dates?.[n],
      zone: page.zones?.[n],
      saved: page.saveDates?.[n],
      size: page.sizes?.[n],
    }));
  };

  describe('copies', () => {
    it('takes flags, dates and contents along, keywords by their names', async () => {
      const [inbox, target] = await two();
      await stage.account.append(target, [newRow('t', { flags: ['Zeta', 'Beta'] })]);
      const rows = [
        newRow('a', { flags: ['\\Seen', 'Alpha', 'Beta'], time: 1_600_000_000_000, zone: -90 }),
        newRow('b', { flags: ['\\Deleted', 'Gamma'] }),
        newRow('c'),
      ];
      await stage.account.append(inbox, rows);
      const start = Date.now();
      const result = await stage.account.copy(inbox, ranges([1, 1], [3, 9]), 'Target', false);
      const status = await stage.account.find('Target');
      expect(result).toEqual({
        uidValidity: status.uidValidity,
        from: [
          [1, 1],
          [3, 3],
        ],
        to: [[2, 3]],
        at: status.at,
        target,
        movedAt: undefined,
      });
      expect(status).toMatchObject({ exists: 3, unseen: 2, deleted: 0, uidNext: 4, size: 3003, recent: 3 });
      const [, a, c] = await told(target);
      expect(a).toMatchObject({ emailId: 'Ma', time: 1_600_000_000_000, zone: -90, size: 1001 });
      expect(a?.flags.split(' ').sort()).toEqual(['Alpha', 'Beta', '\\Seen']);
      expect(c).toMatchObject({ emailId: 'Mc', flags: '' });
      expect(a?.saved).toBeGreaterThanOrEqual(start);
      expect(await stage.account.find('INBOX')).toMatchObject({ exists: 3 });
      // Keywords that were not copied take no place.
      expect((await stage.account.snapshot(target, false)).keywords).not.toContain('Gamma');
    });

    it('copies within a mailbox', async () => {
      const [inbox] = await two();
      await stage.account.append(inbox, [newRow('a', { flags: ['Key'] }), newRow('b', { flags: ['\\Seen'] })]);
      const result = await stage.account.copy(inbox, everything, 'INBOX', false);
      expect(result).toMatchObject({ from: [[1, 2]], to: [[3, 4]], target: inbox });
      expect((await told(inbox)).map(({ emailId, flags }) => `${emailId} ${flags}`)).toEqual([
        'Ma Key',
        'Mb \\Seen',
        'Ma Key',
        'Mb \\Seen',
      ]);
      expect(await stage.account.find('INBOX')).toMatchObject({ exists: 4, unseen: 2, uidNext: 5, at: result.at });
    });

    it('moves, all at once', async () => {
      const [inbox, target] = await two();
      const rows = ['a', 'b', 'c', 'd'].map(name => newRow(name));
      await stage.account.append(inbox, rows);
      const before = await stage.account.find('INBOX');
      const result = await stage.account.copy(inbox, ranges([1, 2], [4, 4]), 'Target', true);
      expect(result).toMatchObject({
        from: [
          [1, 2],
          [4, 4],
        ],
        to: [[1, 3]],
        target,
      });
      const after = await stage.account.find('INBOX');
      expect(after).toMatchObject({ exists: 1, unseen: 1, size: 1001, uidNext: 5, at: result.movedAt });
      expect(await stage.account.find('Target')).toMatchObject({ exists: 3, size: 3003, at: result.at });
      const page = await stage.account.changes(inbox, { modseq: before.at, uid: uid(2 ** 32 - 1) }, 10);
      expect([...page.expunged.uids]).toEqual([1, 2, 4]);
      expect([...page.expunged.modseqs]).toEqual([after.at, after.at, after.at]);
      expect(await stage.account.unreferenced(Date.now() + 1000, 10)).toEqual([]);
      expect((await stage.account.references(undefined, 10)).map(({ blob }) => blob)).toEqual(
        rows.map(({ blob }) => blob),
      );
    });

    it('moves within a mailbox', async () => {
      const [inbox] = await two();
      await stage.account.append(inbox, [newRow('a'), newRow('b')]);
      const result = await stage.account.copy(inbox, range(1), 'INBOX', true);
      expect(result).toMatchObject({ from: [[1, 1]], to: [[3, 3]] });
      expect((await told(inbox)).map(one => one.uid)).toEqual([2, 3]);
      expect(await stage.account.find('INBOX')).toMatchObject({ exists: 2, at: result.movedAt });
    });

    it('does nothing for messages that are not there', async () => {
      const [inbox, target] = await two();
      const before = await stage.account.find('Target');
      expect(await stage.account.copy(inbox, range(5, 9), 'Target', true)).toMatchObject({ from: [], to: [], target });
      expect(await stage.account.find('Target')).toEqual(before);
    });

    it('asks for a target that is there', async () => {
      const [inbox] = await two();
      await stage.account.edit({ kind: 'create', name: 'Level/Below' });
      await stage.account.append(inbox, [newRow('a')]);
      for (const name of ['Nowhere', 'Level']) {
        await expect(stage.account.copy(inbox, everything, name, false)).rejects.toMatchObject({ kind: 'no-target' });
      }
    });

    it('copies all or none when keywords find no place', async () => {
      const [inbox, target] = await two();
      await stage.account.append(target, [newRow('t', { flags: Array.from({ length: 48 }, (_, n) => `key${n}`) })]);
      await stage.account.append(inbox, [newRow('a'), newRow('b', { flags: ['other'] })]);
      for (const move of [false, true]) {
        await expect(stage.account.copy(inbox, everything, 'Target', move)).rejects.toMatchObject({ kind: 'limit' });
      }
      expect(await stage.account.find('Target')).toMatchObject({ exists: 1, uidNext: 2 });
      expect(await stage.account.find('INBOX')).toMatchObject({ exists: 2 });
      await stage.account.copy(inbox, range(1), 'Target', false);
      expect(await stage.account.find('Target')).toMatchObject({ exists: 2 });
    });
  });

  describe('expunges', () => {
    it('removes what is \\Deleted, and nothing else', async () => {
      const [inbox] = await two();
      await stage.account.append(
        inbox,
        Array.from({ length: 6 }, (_, n) => newRow(`${n}`)),
      );
      const { at: start } = await stage.account.find('INBOX');
      expect(await stage.account.expunge(inbox, undefined)).toEqual({ at: start, count: 0 });
      const deleted = ranges([1, 2], [4, 4], [6, 6]);
      const { at } = await stage.account.setFlags(
        inbox,
        deleted,
        { kind: 'add', flags: ['\\Deleted'] },
        { viewAt: never },
      );
      const some = await stage.account.expunge(inbox, ranges([2, 3], [6, 6], [50, 60]));
      expect(some.count).toBe(2);
      expect(some.at).toBeGreaterThan(at);
      expect(await stage.account.expunge(inbox, range(3))).toEqual({ at: some.at, count: 0 });
      expect(await stage.account.find('INBOX')).toMatchObject({ exists: 4, deleted: 2, uidNext: 7 });
      const rest = await stage.account.expunge(inbox, undefined);
      expect(rest.count).toBe(2);
      expect((await told(inbox)).map(one => one.uid)).toEqual([3, 5]);
      await stage.account.append(inbox, [newRow('next')]);
      expect((await told(inbox)).map(one => one.uid)).toEqual([3, 5, 7]);
    });

    it('removes few and many of thousands', async () => {
      const [inbox] = await two();
      await stage.account.append(
        inbox,
        Array.from({ length: 3000 }, (_, n) => newRow(`${n}`)),
      );
      const del = { kind: 'add', flags: ['\\Deleted'] } as const;
      await stage.account.setFlags(inbox, ranges([100, 100], [2900, 2901]), del, { viewAt: never });
      expect((await stage.account.expunge(inbox, undefined)).count).toBe(3);
      const odd = Array.from({ length: 1500 }, (_, n) => [2 * n + 1, 2 * n + 1] as const);
      await stage.account.setFlags(inbox, ranges(...odd), del, { viewAt: never });
      expect((await stage.account.expunge(inbox, range(1, 5000))).count).toBe(1499);
      expect(await stage.account.find('INBOX')).toMatchObject({ exists: 1498, deleted: 0 });
      expect((await told(inbox)).length).toBe(1000);
    });
  });
}
