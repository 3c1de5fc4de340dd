import { describe, expect, it } from 'vitest';
import { flagNames } from '../../../src/mail/flags.ts';
import type { MailboxId } from '../../../src/mail/ids.ts';
import type { FlagChange } from '../../../src/mail/message.ts';
import type { UidRanges } from '../../../src/mail/uid-ranges.ts';
import { everything, modSeq, never, newRow, range, ranges, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

export function flagsConformance(stage: IndexStage): void {
  const inbox = async () => (await stage.account.find('INBOX')).id;
  const set = (
    id: MailboxId,
    uids: UidRanges,
    kind: FlagChange['kind'],
    flags: readonly string[],
    options: { unchangedSince?: number; viewAt?: number } = {},
  ) =>
    stage.account.setFlags(
      id,
      uids,
      { kind, flags },
      {
        viewAt: modSeq(options.viewAt ?? never),
        ...(options.unchangedSince !== undefined && { unchangedSince: modSeq(options.unchangedSince) }),
      },
    );
  const flagsOf = async (id: MailboxId) => {
    const page = await stage.account.rows(id, everything, ['flags', 'modseq'], uid(0), 10_000);
    return [...(page.flags ?? [])].map(mask => flagNames(mask, page.keywords).join(' '));
  };

  describe('flags', () => {
    it('adds, removes and replaces, and counts', async () => {
      const id = await inbox();
      await stage.account.append(id, [newRow('a'), newRow('b', { flags: ['\\Seen', 'Old'] }), newRow('c')]);
      await set(id, range(1, 2), 'add', ['\\Deleted', 'New', '\\seen', 'NEW']);
      expect(await flagsOf(id)).toEqual(['\\Deleted \\Seen New', '\\Deleted \\Seen Old New', '']);
      expect(await stage.account.find('INBOX')).toMatchObject({ unseen: 1, deleted: 2 });
      await set(id, range(2, 3), 'remove', ['old', '\\Deleted', 'Unknown', '\\Recent']);
      expect(await flagsOf(id)).toEqual(['\\Deleted \\Seen New', '\\Seen New', '']);
      expect(await stage.account.find('INBOX')).toMatchObject({ unseen: 1, deleted: 1 });
      await set(id, ranges([1, 1], [3, 3]), 'replace', ['\\Answered', 'old']);
      expect(await flagsOf(id)).toEqual(['\\Answered Old', '\\Seen New', '\\Answered Old']);
      expect(await stage.account.find('INBOX')).toMatchObject({ unseen: 2, deleted: 0 });
      await set(id, everything, 'replace', []);
      expect(await flagsOf(id)).toEqual(['', '', '']);
      expect((await stage.account.snapshot(id, false)).keywords).toEqual(['Old', 'New']);
    });

    it('gives a new modseq only to what is changed', async () => {
      const id = await inbox();
      await stage.account.append(id, [newRow('a', { flags: ['\\Seen'] }), newRow('b')]);
      const before = await stage.account.find('INBOX');
      const { at } = await set(id, everything, 'add', ['\\Seen']);
      expect(at).toBeGreaterThan(before.at);
      const page = await stage.account.rows(id, everything, ['modseq'], uid(0), 10);
      expect([...(page.modseqs ?? [])]).toEqual([before.at, at]);
      expect((await set(id, everything, 'add', ['\\Seen'])).at).toBe(at);
      expect((await set(id, everything, 'remove', ['Never'])).at).toBe(at);
      expect((await set(id, range(77), 'add', ['\\Seen'])).at).toBe(at);
      expect((await stage.account.find('INBOX')).at).toBe(at);
    });

    it('leaves alone what has changed since (RFC 7162 §3.1.3)', async () => {
      const id = await inbox();
      await stage.account.append(
        id,
        Array.from({ length: 5 }, (_, n) => newRow(`${n}`)),
      );
      const { at: start } = await stage.account.find('INBOX');
      await set(id, ranges([2, 2], [4, 4]), 'add', ['\\Flagged']);
      const result = await set(id, everything, 'add', ['\\Seen'], { unchangedSince: start });
      expect(result.modified).toEqual([
        [2, 2],
        [4, 4],
      ]);
      expect(await flagsOf(id)).toEqual(['\\Seen', '\\Flagged', '\\Seen', '\\Flagged', '\\Seen']);
      expect(await stage.account.find('INBOX')).toMatchObject({ unseen: 2 });
      const nothing = await set(id, everything, 'add', ['\\Draft'], { unchangedSince: 0 });
      expect(nothing.modified).toEqual([[1, 5]]);
      expect(nothing.at).toBe(result.at);
    });

    it('says what is missing, and what others have changed meanwhile', async () => {
      const id = await inbox();
      await stage.account.append(
        id,
        Array.from({ length: 6 }, (_, n) => newRow(`${n}`)),
      );
      await set(id, ranges([2, 3], [6, 6]), 'add', ['\\Deleted']);
      await stage.account.expunge(id, undefined);
      const { at: viewAt } = await stage.account.find('INBOX');
      await set(id, ranges([4, 5]), 'add', ['Other']);
      await set(id, range(5), 'add', ['\\Seen']);
      const result = await set(id, range(1, 100), 'add', ['\\Seen'], { viewAt });
      // 5 has it already: told as the other's change, not as one of this.
      expect(result).toMatchObject({
        missing: [
          [2, 3],
          [6, 6],
        ],
        interleaved: [[4, 4]],
        modified: [],
      });
      const many = await set(id, ranges([1, 1], [3, 3], [5, 5], [6, 6]), 'add', ['\\Draft'], { viewAt });
      expect(many).toMatchObject({
        missing: [
          [3, 3],
          [6, 6],
        ],
        interleaved: [
          [1, 1],
          [5, 5],
        ],
      });
    });

    it('changes thousands by a few statements, and by many ranges', async () => {
      const id = await inbox();
      await stage.account.append(
        id,
        Array.from({ length: 3000 }, (_, n) => newRow(`${n}`)),
      );
      const odd = Array.from({ length: 1500 }, (_, n) => [2 * n + 1, 2 * n + 1] as const);
      await set(id, ranges(...odd), 'add', ['\\Seen']);
      expect(await stage.account.find('INBOX')).toMatchObject({ unseen: 1500 });
      const { at: since } = await set(id, range(3000), 'add', ['Last']);
      await set(id, everything, 'add', ['\\Seen']);
      expect(await stage.account.find('INBOX')).toMatchObject({ unseen: 0 });
      const page = await stage.account.changes(id, { modseq: since, uid: uid(2 ** 32 - 1) }, 5000);
      expect(page.changed.uids).toHaveLength(1500);
    });

    it('has 48 keywords at a time, and takes the places of those that are not used again', async () => {
      const id = await inbox();
      await stage.account.append(id, [newRow('a'), newRow('b')]);
      const keys = Array.from({ length: 48 }, (_, n) => `key${n}`);
      await set(id, range(1), 'add', keys);
      expect(await flagsOf(id)).toEqual([keys.join(' '), '']);
      await expect(set(id, range(2), 'add', ['\\Seen', 'more'])).rejects.toMatchObject({ kind: 'limit' });
      expect(await flagsOf(id)).toEqual([keys.join(' '), '']);
      await set(id, range(1), 'remove', ['KEY3', 'key47']);
      await set(id, range(2), 'add', ['fresh', 'other']);
      const kept = keys.filter(key => key !== 'key3' && key !== 'key47');
      const [first, second] = await flagsOf(id);
      expect(first).toBe(kept.join(' '));
      expect(second?.split(' ').sort()).toEqual(['fresh', 'other']);
      await expect(set(id, range(2), 'add', ['again'])).rejects.toMatchObject({ kind: 'limit' });
      const { keywords, moreKeywords } = await stage.account.snapshot(id, false);
      expect([keywords.length, moreKeywords]).toEqual([48, false]);
      await set(id, range(1), 'replace', []);
      expect(await flagsOf(id)).toEqual(['', second]);
    });

    it('says that there is room for a keyword once there is', async () => {
      const id = await inbox();
      expect((await stage.account.snapshot(id, false)).moreKeywords).toBe(true);
      await stage.account.append(id, [newRow('a', { flags: Array.from({ length: 48 }, (_, n) => `key${n}`) })]);
      expect((await stage.account.snapshot(id, false)).moreKeywords).toBe(false);
      await set(id, everything, 'remove', ['key7']);
      expect((await stage.account.snapshot(id, false)).moreKeywords).toBe(true);
    });

    it('is gone with its mailbox', async () => {
      await stage.account.edit({ kind: 'create', name: 'X' });
      const { id } = await stage.account.find('X');
      await stage.account.edit({ kind: 'delete', name: 'X' });
      await expect(set(id, everything, 'add', ['\\Seen'])).rejects.toMatchObject({ kind: 'gone' });
    });
  });
}
