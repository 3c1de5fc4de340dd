import { describe, expect, it } from 'vitest';
import { blob, everything, never, newRow, range, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

export function contentsConformance(stage: IndexStage): void {
  describe('blobs', () => {
    it('are referred to until the last message is gone, and then known until they are forgotten', async () => {
      const { id } = await stage.account.find('INBOX');
      await stage.account.edit({ kind: 'create', name: 'Copy' });
      const [one, two] = [newRow('one'), newRow('two')];
      await stage.account.append(id, [one, two]);
      await stage.account.copy(id, range(1), 'Copy', false);
      const drop = async (mailbox: typeof id) => {
        await stage.account.setFlags(mailbox, everything, { kind: 'add', flags: ['\\Deleted'] }, { viewAt: never });
        await stage.account.expunge(mailbox, undefined);
      };
      const start = Date.now();
      await drop(id);
      expect(await stage.account.unreferenced(never, 10)).toEqual([two.blob]);
      expect(await stage.account.unreferenced(start, 10)).toEqual([]);
      expect((await stage.account.references(undefined, 10)).map(row => row.blob)).toEqual([one.blob]);
      await drop((await stage.account.find('Copy')).id);
      expect((await stage.account.unreferenced(never, 10)).toSorted()).toEqual([one.blob, two.blob].sort());
      expect(await stage.account.unreferenced(never, 1)).toHaveLength(1);
      const stranger = blob();
      const asked = [one.blob, two.blob, stranger];
      expect(await stage.account.known(asked)).toEqual(new Set([one.blob, two.blob]));
      await stage.account.forget([one.blob, stranger]);
      expect(await stage.account.known(asked)).toEqual(new Set([two.blob]));
      expect(await stage.account.unreferenced(never, 10)).toEqual([two.blob]);
    });

    it('are not forgotten while something refers to them', async () => {
      const { id } = await stage.account.find('INBOX');
      const row = newRow('kept');
      await stage.account.append(id, [row]);
      await stage.account.forget([row.blob]);
      expect(await stage.account.known([row.blob])).toEqual(new Set([row.blob]));
      const page = await stage.account.rows(id, everything, ['content'], uid(1), 1);
      expect(page.uids).toHaveLength(0);
    });

    it('are told page by page with the hashes of their contents', async () => {
      const { id } = await stage.account.find('INBOX');
      const rows = Array.from({ length: 25 }, (_, n) => newRow(`${n}`));
      await stage.account.append(id, rows);
      const told: { readonly blob: string; readonly sha256: Uint8Array }[] = [];
      for (;;) {
        const page = await stage.account.references(told.at(-1) && rows[told.length - 1]?.blob, 10);
        told.push(...page);
        if (page.length < 10) break;
      }
      expect(told).toEqual(rows.map(row => ({ blob: row.blob, sha256: new Uint8Array(row.sha256) })));
    });
  });
}
