import { describe, expect, it } from 'vitest';
import type { MailboxEdit } from '../../../src/mail/mailbox.ts';
import type { Stand } from '../store.ts';
import { add, cursor, filled, kindOf, letter, only, textOf, uidsOf } from './session.ts';

export function mailboxes(stand: Stand): void {
  const edit = (change: MailboxEdit) => stand.store.edit(change);
  const create = (name: string) => edit({ kind: 'create', name });
  const rename = (from: string, to: string) => edit({ kind: 'rename', from, to });
  const remove = (name: string) => edit({ kind: 'delete', name });
  const named = async (name: string) => (await stand.store.list()).find(info => info.name === name);
  const statusKind = (name: string) => kindOf(stand.store.status(name));

  describe('of mailboxes', () => {
    it('has an INBOX from the beginning', async () => {
      expect((await named('INBOX'))?.id).toBeDefined();
      const { exists, unseen, deleted, size, recent, uidNext, uidValidity, id } = await stand.store.status('INBOX');
      expect({ exists, unseen, deleted, size, recent, uidNext }).toEqual({
        exists: 0,
        unseen: 0,
        deleted: 0,
        size: 0,
        recent: 0,
        uidNext: 1,
      });
      expect(uidValidity).toBeGreaterThan(0);
      expect(id).toBe((await named('INBOX'))?.id);
    });

    it('creates mailboxes, and shows the levels above them', async () => {
      await create('a/b/c');
      await edit({ kind: 'create', name: 'old', specialUse: '\\Flagged' });
      expect((await named('a/b/c'))?.id).toBeDefined();
      expect([(await named('a'))?.id, (await named('a/b'))?.id]).toEqual([undefined, undefined]);
      expect(await named('a')).toBeDefined();
      expect((await named('old'))?.specialUse).toBe('\\Flagged');
      expect(await kindOf(create('a/b/c'))).toBe('already-exists');
      expect(await kindOf(create('INBOX'))).toBe('already-exists');
      // No INBOX in another case, though capitals would make it one.
      await create('ınbox');
      expect((await named('ınbox'))?.id).toBeDefined();
      expect(await statusKind('a')).toBe('nonexistent');
      await create('a/b');
      expect((await named('a/b'))?.id).toBeDefined();
    });

    it('knows nothing of mailboxes that are not there', async () => {
      expect(await statusKind('nowhere')).toBe('nonexistent');
      expect(await kindOf(stand.store.open('nowhere', true))).toBe('nonexistent');
      expect(await kindOf(remove('nowhere'))).toBe('nonexistent');
      expect(await kindOf(rename('nowhere', 'x'))).toBe('nonexistent');
      expect(await statusKind('inbox2')).toBe('nonexistent');
    });

    it('deletes one, leaves those below it, and gives its name a new identity', async () => {
      await create('a');
      await create('a/b');
      await add(stand.store, 'a', letter(1));
      const before = await stand.store.status('a');
      await remove('a');
      expect(await statusKind('a')).toBe('nonexistent');
      expect((await named('a'))?.id).toBeUndefined();
      expect((await named('a/b'))?.id).toBeDefined();
      expect(await kindOf(remove('a'))).toBe('has-children');
      expect(await kindOf(remove('INBOX'))).toBe('cannot');
      await create('a');
      const after = await stand.store.status('a');
      expect(after.uidValidity).toBeGreaterThan(before.uidValidity);
      expect(after.id).not.toBe(before.id);
      expect(after).toMatchObject({ exists: 0, uidNext: 1 });
    });

    it('renames one with all below it, and keeps what they are', async () => {
      await create('a/b');
      await create('a');
      await create('ab');
      await add(stand.store, 'a/b', letter(1));
      const before = await stand.store.status('a/b');
      await rename('a', 'x/y');
      expect(await stand.store.status('x/y/b')).toMatchObject({
        id: before.id,
        uidValidity: before.uidValidity,
        exists: 1,
      });
      expect(await Promise.all(['a', 'a/b'].map(statusKind))).toEqual(['nonexistent', 'nonexistent']);
      expect(await statusKind('ab')).toBe('no error');
      expect(await kindOf(rename('x/y', 'ab'))).toBe('already-exists');
      expect(await kindOf(rename('x/y', 'x/y/z'))).toBe('cannot');
      expect(await kindOf(rename('ab', 'INBOX'))).toBe('already-exists');
      await rename('x', 'z');
      expect(await statusKind('z/y/b')).toBe('no error');
      // A name that is only a level is there to be had, unless something would come to lie on something else.
      await rename('ab', 'z');
      await create('c/y/b');
      expect(await kindOf(rename('c', 'z'))).toBe('already-exists');
      expect(await kindOf(rename('c/y', 'z/y'))).toBe('already-exists');
      await create('level/d');
      await rename('c', 'level');
      expect(await Promise.all(['level/d', 'level/y/b'].map(statusKind))).toEqual(['no error', 'no error']);
    });

    it('goes on with a mailbox that is renamed while it is open', async () => {
      await create('a');
      const open = await filled(stand.store, 'a', 2);
      await rename('a', 'b');
      expect(await uidsOf(open)).toEqual([1, 2]);
      await add(stand.store, 'b', letter(3));
      expect(await uidsOf(open)).toEqual([1, 2, 3]);
    });

    it('empties INBOX into a new mailbox when that is renamed, and keeps it and what is below it', async () => {
      await create('INBOX/below');
      const inbox = await filled(stand.store, 'INBOX', 3);
      await inbox.setFlags(
        only(2),
        { kind: 'add', flags: ['\\Flagged', 'Kept'] },
        await inbox.snapshot(false).then(({ at }) => ({ viewAt: at })),
      );
      await rename('INBOX', 'old');
      expect(await uidsOf(inbox)).toEqual([]);
      expect(await stand.store.status('INBOX')).toMatchObject({ exists: 0, uidNext: 4 });
      const old = await stand.store.open('old', true);
      expect(await uidsOf(old)).toHaveLength(3);
      expect(await textOf(old, (await uidsOf(old))[1] ?? 0)).toContain('Text of 2');
      expect(await statusKind('INBOX/below')).toBe('no error');
      expect((await named('old/below'))?.id).toBeUndefined();
    });

    it('keeps subscriptions by name, whether or not there is a mailbox', async () => {
      await create('a');
      await edit({ kind: 'subscribe', name: 'a' });
      await edit({ kind: 'subscribe', name: 'not/there' });
      await edit({ kind: 'subscribe', name: 'a' });
      expect(await named('a')).toMatchObject({ subscribed: true });
      expect(await named('not/there')).toMatchObject({ subscribed: true, id: undefined });
      await remove('a');
      expect(await named('a')).toMatchObject({ subscribed: true, id: undefined });
      await edit({ kind: 'unsubscribe', name: 'a' });
      expect(await named('a')).toBeUndefined();
      await edit({ kind: 'unsubscribe', name: 'a' }).catch(() => {});
    });

    it('never uses a UIDVALIDITY again, whatever is renamed to where', async () => {
      const seen: number[] = [];
      for (let round = 0; round < 4; round += 1) {
        await create('a');
        seen.push((await stand.store.status('a')).uidValidity);
        await rename('a', `b${round}`);
      }
      expect(seen).toEqual([...new Set(seen)].sort((one, two) => one - two));
    });

    it('tells an open mailbox that it is gone', async () => {
      await create('a');
      const open = await filled(stand.store, 'a', 2);
      const { at } = await open.snapshot(false);
      const other = await stand.another();
      await other.edit({ kind: 'delete', name: 'a' });
      expect((await open.changes(cursor(at), 10)).gone).toBe('deleted');
      expect(await kindOf(open.snapshot(false))).toBe('gone');
      expect(await kindOf(open.setFlags(only(1), { kind: 'add', flags: ['\\Seen'] }, { viewAt: at }))).toBe('gone');
      expect(await kindOf(open.expunge(undefined))).toBe('gone');
      await create('a');
      expect((await open.changes(cursor(at), 10)).gone).toBe('deleted');
      await open.close();
    });
  });
}
