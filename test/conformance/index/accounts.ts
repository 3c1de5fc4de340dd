import { describe, expect, it } from 'vitest';
import { account, newRow } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

export function accountsConformance(stage: IndexStage): void {
  describe('accounts', () => {
    it('makes none unless told to', async () => {
      await expect(stage.index.open(account('nobody'))).rejects.toMatchObject({ kind: 'nonexistent' });
      await expect(stage.index.open(account('nobody'))).rejects.toMatchObject({ kind: 'nonexistent' });
    });

    it('makes one with INBOX and the folders given, once', async () => {
      const create = {
        mailboxes: [
          { kind: 'create', name: 'Sent', specialUse: '\\Sent', subscribe: true },
          { kind: 'create', name: 'Old', subscribe: false },
        ],
      } as const;
      const made = await stage.index.open(account('new'), create);
      const expected = [
        { name: 'INBOX', subscribed: false, specialUse: undefined },
        { name: 'Old', subscribed: false, specialUse: undefined },
        { name: 'Sent', subscribed: true, specialUse: '\\Sent' },
      ];
      expect(await made.mailboxes()).toMatchObject(expected);
      const again = await stage.index.open(account('new'), { mailboxes: [] });
      expect(await again.mailboxes()).toMatchObject(expected);
      await made.close();
      // A handle says that it is not needed for a while; others of the account go on.
      expect(await again.mailboxes()).toMatchObject(expected);
    });

    it('answers two who open the same new account at once', async () => {
      const create = { mailboxes: [] };
      const all = await Promise.all([1, 2, 3].map(() => stage.index.open(account('twins'), create)));
      const lists = await Promise.all(all.map(one => one.mailboxes()));
      expect(lists.map(list => list.length)).toEqual([1, 1, 1]);
      expect(new Set(lists.map(list => list[0]?.id)).size).toBe(1);
      const [refused, opened] = await Promise.allSettled([
        stage.index.open(account('mixed')),
        stage.index.open(account('mixed'), create),
      ]);
      expect([refused?.status, opened?.status]).toEqual(['rejected', 'fulfilled']);
    });

    it('keeps accounts apart', async () => {
      const other = await stage.index.open(account('other'), { mailboxes: [] });
      const inbox = await stage.account.find('INBOX');
      await stage.account.append(inbox.id, [newRow('mine')]);
      expect((await other.find('INBOX')).exists).toBe(0);
      expect(await other.references(undefined, 10)).toEqual([]);
    });

    it('holds what was there through a restart', async () => {
      const inbox = await stage.account.find('INBOX');
      await stage.account.append(inbox.id, [newRow('a', { flags: ['$Kept'] })]);
      const before = [await stage.account.snapshot(inbox.id, false), await stage.account.mailboxes()];
      await stage.reopen();
      expect([await stage.account.snapshot(inbox.id, false), await stage.account.mailboxes()]).toEqual(before);
    });

    it('is copied whole while it is written to', async () => {
      const { id } = await stage.account.find('INBOX');
      await stage.account.append(id, [newRow('before')]);
      const path = stage.subject.copyPath();
      const [, ...appended] = await Promise.all([
        stage.account.copyTo(path),
        ...Array.from({ length: 30 }, (_, n) => stage.account.append(id, [newRow(`during ${n}`)])),
      ]);
      expect(appended).toHaveLength(30);
      const copy = await stage.subject.openCopy(path, stage.account.account);
      expect(await copy.account.verify()).toEqual([]);
      const status = await copy.account.find('INBOX');
      expect(status.exists).toBeGreaterThanOrEqual(1);
      expect(status.uidNext).toBe(status.exists + 1);
      await copy.index.close();
      await expect(stage.account.copyTo(path)).rejects.toMatchObject({ kind: 'unavailable' });
    });

    it('gives restored mailboxes new UIDVALIDITYs, and says so to whoever has them open', async () => {
      await stage.account.edit({ kind: 'create', name: 'Second' });
      const before = [await stage.account.find('INBOX'), await stage.account.find('Second')];
      const [inbox, second] = before;
      if (!inbox || !second) throw new Error('they were just there');
      await stage.account.append(inbox.id, [newRow('a')]);
      const { at } = await stage.account.find('INBOX');
      const highest = Math.max(...before.map(({ uidValidity }) => uidValidity)) + 1000;
      await stage.account.renew(highest);
      const [one, two] = [await stage.account.find('INBOX'), await stage.account.find('Second')];
      expect(one.uidValidity).toBeGreaterThan(highest);
      expect(two.uidValidity).toBeGreaterThan(highest);
      expect(one.uidValidity).not.toBe(two.uidValidity);
      expect(one.at).toBeGreaterThan(at);
      const page = await stage.account.changes(inbox.id, { modseq: at, uid: inbox.uidNext }, 10);
      expect(page.gone).toBe('reset');
    });
  });
}
