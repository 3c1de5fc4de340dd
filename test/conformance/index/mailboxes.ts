import { describe, expect, it } from 'vitest';
import type { MailboxEdit } from '../../../src/mail/mailbox.ts';
import { everything, modSeq, newRow, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

export function mailboxesConformance(stage: IndexStage): void {
  const edit = (change: MailboxEdit) => stage.account.edit(change);
  const create = (name: string) => edit({ kind: 'create', name });
  const remove = (name: string) => edit({ kind: 'delete', name });
  const rename = (from: string, to: string) => edit({ kind: 'rename', from, to });
  const names = async () =>
    (await stage.account.mailboxes()).map(({ name, id }) => (id === undefined ? `(${name})` : name));

  describe('mailboxes', () => {
    it('lists them by name, with the levels above them', async () => {
      await create('Work/Clients/Ärzte');
      await create('Alpha');
      expect(await names()).toEqual(['Alpha', 'INBOX', '(Work)', '(Work/Clients)', 'Work/Clients/Ärzte']);
      await create('Work');
      expect(await names()).toEqual(['Alpha', 'INBOX', 'Work', '(Work/Clients)', 'Work/Clients/Ärzte']);
    });

    it.each([
      ['INBOX', 'already-exists'],
      ['inbox', 'cannot'],
      ['Inbox/below', 'cannot'],
      ['', 'cannot'],
      ['a//b', 'cannot'],
      ['/a', 'cannot'],
      ['a/', 'cannot'],
      ['a\nb', 'cannot'],
      ['\ud800', 'cannot'],
      ['ä'.repeat(501), 'limit'],
    ])('does not make %j', async (name, kind) => {
      await expect(create(name)).rejects.toMatchObject({ kind });
      expect(await names()).toEqual(['INBOX']);
    });

    it('does not make the same twice', async () => {
      await create('Once');
      await expect(create('Once')).rejects.toMatchObject({ kind: 'already-exists' });
    });

    it('never uses a UIDVALIDITY or an id again, and starts modseqs from the clock', async () => {
      const seen = new Set<number>();
      const ids = new Set<number>();
      const start = Date.now() * 1000;
      for (let round = 0; round < 4; round += 1) {
        await create('Again');
        const status = await stage.account.find('Again');
        seen.add(status.uidValidity);
        ids.add(status.id);
        expect(status).toMatchObject({ exists: 0, uidNext: 1, recentFrom: 1, recent: 0, size: 0 });
        expect(status.at).toBeGreaterThanOrEqual(start);
        expect(status.uidValidity).toBeGreaterThanOrEqual(Math.floor(start / 1_000_000));
        if (round === 1) await rename('Again', 'Elsewhere');
        else await remove('Again');
        if (round === 2) await stage.reopen();
      }
      expect(seen.size).toBe(4);
      expect(ids.size).toBe(4);
      expect(seen).not.toContain((await stage.account.find('INBOX')).uidValidity);
    });

    it('deletes a mailbox with all that is in it, and leaves what is below', async () => {
      await create('Up');
      await create('Up/Down');
      const { id } = await stage.account.find('Up');
      const row = newRow('x');
      await stage.account.append(id, [row]);
      expect((await remove('Up')).touched).toEqual([id]);
      expect(await names()).toEqual(['INBOX', '(Up)', 'Up/Down']);
      expect(await stage.account.unreferenced(Date.now() + 1000, 10)).toEqual([row.blob]);
      await expect(stage.account.snapshot(id, false)).rejects.toMatchObject({ kind: 'gone' });
      await expect(stage.account.append(id, [newRow('y')])).rejects.toMatchObject({ kind: 'no-target' });
      await expect(remove('Up')).rejects.toMatchObject({ kind: 'has-children' });
      await remove('Up/Down');
      await expect(remove('Up')).rejects.toMatchObject({ kind: 'nonexistent' });
      await expect(remove('INBOX')).rejects.toMatchObject({ kind: 'cannot' });
      await expect(stage.account.find('Up')).rejects.toMatchObject({ kind: 'nonexistent' });
    });

    it('renames a mailbox with all that is below it', async () => {
      await create('a/b/c');
      await create('a/b');
      await create('ab');
      const { id, uidValidity } = await stage.account.find('a/b');
      await stage.account.append(id, [newRow('kept')]);
      await rename('a', 'x/y');
      expect(await names()).toEqual(['INBOX', 'ab', '(x)', '(x/y)', 'x/y/b', 'x/y/b/c']);
      expect(await stage.account.find('x/y/b')).toMatchObject({ id, uidValidity, exists: 1 });
      await expect(rename('a', 'z')).rejects.toMatchObject({ kind: 'nonexistent' });
      await expect(rename('ab', 'INBOX')).rejects.toMatchObject({ kind: 'already-exists' });
      await expect(rename('ab', 'x/y/b')).rejects.toMatchObject({ kind: 'already-exists' });
      await expect(rename('x', 'x/z')).rejects.toMatchObject({ kind: 'cannot' });
      await expect(rename('x', 'x//z')).rejects.toMatchObject({ kind: 'cannot' });
      await create('other/y/b/c');
      await expect(rename('x', 'other')).rejects.toMatchObject({ kind: 'already-exists' });
      expect(await names()).toContain('x/y/b/c');
    });

    it('renames INBOX by moving what is in it', async () => {
      const inbox = await stage.account.find('INBOX');
      await create('INBOX/below');
      await stage.account.append(inbox.id, [newRow('a', { flags: ['\\Seen', 'Key'] }), newRow('b')]);
      const { touched } = await rename('INBOX', 'Archive');
      const archive = await stage.account.find('Archive');
      expect(touched).toEqual([inbox.id, archive.id]);
      expect(archive).toMatchObject({ exists: 2, unseen: 1, uidNext: 3 });
      expect(await names()).toEqual(['Archive', 'INBOX', 'INBOX/below']);
      const after = await stage.account.find('INBOX');
      expect(after).toMatchObject({ id: inbox.id, uidValidity: inbox.uidValidity, exists: 0, uidNext: 3 });
      const page = await stage.account.changes(inbox.id, { modseq: inbox.at, uid: uid(0) }, 10);
      expect([...page.expunged.uids]).toEqual([1, 2]);
      const rows = await stage.account.rows(archive.id, everything, ['flags', 'emailId'], uid(0), 10);
      expect([rows.keywords, rows.emailIds]).toEqual([['Key'], ['Ma', 'Mb']]);
      await expect(rename('INBOX', 'Archive')).rejects.toMatchObject({ kind: 'already-exists' });
    });

    it('remembers subscriptions, also of names that are not there', async () => {
      await create('Real');
      await edit({ kind: 'subscribe', name: 'Real' });
      await edit({ kind: 'subscribe', name: 'No/Such' });
      await remove('Real');
      const listed = await stage.account.mailboxes();
      expect(listed.filter(({ subscribed }) => subscribed).map(({ name, id }) => [name, id])).toEqual([
        ['No/Such', undefined],
        ['Real', undefined],
      ]);
      await edit({ kind: 'unsubscribe', name: 'Real' });
      await edit({ kind: 'unsubscribe', name: 'Never' });
      expect((await stage.account.mailboxes()).map(({ name }) => name)).toEqual(['INBOX', 'No/Such']);
    });

    it('tells what happened to mailboxes, page by page', async () => {
      const { at } = await create('One');
      await create('Two');
      await rename('One', 'Three');
      await edit({ kind: 'subscribe', name: 'Three' });
      await edit({ kind: 'subscribe', name: 'Three' });
      await edit({ kind: 'unsubscribe', name: 'Three' });
      const last = await remove('Two');
      const told = [];
      let since = at;
      for (;;) {
        const page = await stage.account.mailboxChanges(since, 2);
        expect(page.changes.length).toBeLessThanOrEqual(2);
        expect(page.reset).toBeUndefined();
        told.push(...page.changes.map(({ kind, name, to }) => [kind, name, to]));
        since = page.at;
        if (page.done) break;
      }
      expect(told).toEqual([
        ['created', 'Two', undefined],
        ['renamed', 'One', 'Three'],
        ['subscribed', 'Three', undefined],
        ['unsubscribed', 'Three', undefined],
        ['deleted', 'Two', undefined],
      ]);
      expect(since).toBe(last.at);
      expect(await stage.account.mailboxChanges(last.at, 10)).toEqual({ at: last.at, done: true, changes: [] });
      expect((await stage.account.mailboxChanges(modSeq(1), 100)).reset).toBe(true);
    });
  });
}
