import { describe, expect, it } from 'vitest';
import type { MailboxId } from '../../../src/mail/ids.ts';
import type { Query } from '../../../src/mail/query.ts';
import { modSeq, never, newRow, range, ranges, uid } from '../../store/index/new-row.ts';
import type { IndexStage } from '../index.ts';

const DAY = 86_400_000;

export function searchConformance(stage: IndexStage): void {
  const search = async (id: MailboxId, query: Query) => {
    const found: number[] = [];
    const undecided: { uid: number; residual: Query | undefined; header: string | undefined }[] = [];
    let after = uid(0);
    let maxModSeq = 0;
    for (;;) {
      const page = await stage.account.search(id, query, after);
      found.push(...page.found);
      for (const { content, residual, modseq } of page.undecided) {
        expect(modseq).toBeGreaterThan(0);
        const header = content.header && new TextDecoder().decode(content.header);
        undecided.push({ uid: content.uid, residual: page.residuals[residual], header });
      }
      maxModSeq = Math.max(maxModSeq, page.maxModSeq);
      if (page.next === undefined) return { found, undecided, maxModSeq };
      expect(page.next).toBeGreaterThan(after);
      after = page.next;
    }
  };
  const filled = async () => {
    const { id } = await stage.account.find('INBOX');
    await stage.account.append(id, [
      newRow('hello', { flags: ['\\Seen', 'Key'], time: 100 * DAY, zone: 0, sentDay: 50, size: 10 }),
      newRow('World', { flags: ['\\Flagged'], time: 100 * DAY - 1000, zone: 60, sentDay: undefined, size: 20 }),
      newRow('none', { header: undefined, time: 101 * DAY, zone: -60, sentDay: 102, size: 30 }),
      newRow('hello world', { flags: ['\\Seen', '\\Deleted'], time: 200 * DAY, zone: 0, sentDay: 60, size: 40 }),
    ]);
    return id;
  };

  describe('search', () => {
    const flag = (name: string): Query => ({ kind: 'flag', name });
    const not = (part: Query): Query => ({ kind: 'not', part });
    const and = (...parts: Query[]): Query => ({ kind: 'and', parts });
    const or = (...parts: Query[]): Query => ({ kind: 'or', parts });
    it.each<[Query, number[]]>([
      [{ kind: 'all' }, [1, 2, 3, 4]],
      [flag('\\Seen'), [1, 4]],
      [not(flag('\\Seen')), [2, 3]],
      [flag('KEY'), [1]],
      [not(flag('key')), [2, 3, 4]],
      [flag('Unknown'), []],
      [not(flag('Unknown')), [1, 2, 3, 4]],
      [and(flag('\\Seen'), not(flag('\\Deleted'))), [1]],
      [or(flag('\\Flagged'), flag('\\Deleted')), [2, 4]],
      [and(), [1, 2, 3, 4]],
      [or(), []],
      [{ kind: 'uid', uids: ranges([2, 3], [9, 9]) }, [2, 3]],
      [not({ kind: 'uid', uids: range(2, 3) }), [1, 4]],
      [{ kind: 'uid', uids: [] }, []],
      [{ kind: 'recent', from: 3 }, [3, 4]],
      [{ kind: 'received', when: 'on', day: 100 }, [1, 2, 3]],
      [{ kind: 'received', when: 'before', day: 101 }, [1, 2, 3]],
      [{ kind: 'received', when: 'since', day: 101 }, [4]],
      [{ kind: 'sent', when: 'on', day: 100 }, [2]],
      [{ kind: 'sent', when: 'before', day: 100 }, [1, 4]],
      [not({ kind: 'sent', when: 'since', day: 100 }), [1, 4]],
      [{ kind: 'larger', octets: 20 }, [3, 4]],
      [{ kind: 'smaller', octets: 20 }, [1]],
      [{ kind: 'header', field: 'Subject', text: 'HELLO' }, [1, 4]],
      [
        and({ kind: 'uid', uids: ranges([1, 2], [4, 4]) }, not({ kind: 'header', field: 'subject', text: 'hello' })),
        [2],
      ],
    ])('%j', async (query, expected) => {
      const id = await filled();
      const { found, undecided } = await search(id, query);
      // Of the message whose header is not kept, headers cannot be told.
      expect([found, undecided.filter(one => one.uid !== 3)]).toEqual([expected, []]);
    });

    it('hands over what only texts can tell, with what is left to ask', async () => {
      const id = await filled();
      const text: Query = { kind: 'body', text: 'x' };
      const { found, undecided } = await search(id, or(flag('\\Flagged'), and(flag('\\Seen'), text)));
      expect(found).toEqual([2]);
      expect(undecided).toEqual([
        { uid: 1, residual: text, header: 'Subject: hello\r\n\r\n' },
        { uid: 4, residual: text, header: 'Subject: hello world\r\n\r\n' },
      ]);
      const header: Query = { kind: 'header', field: 'Subject', text: 'hello' };
      const second = await search(id, header);
      expect([second.found, second.undecided]).toEqual([[1, 4], [{ uid: 3, residual: header, header: undefined }]]);
    });

    it('tells the highest modseq of what it found', async () => {
      const id = await filled();
      const { at } = await stage.account.setFlags(id, range(2), { kind: 'add', flags: ['Key'] }, { viewAt: never });
      expect(await search(id, flag('key'))).toMatchObject({ found: [1, 2], maxModSeq: at });
      expect(await search(id, { kind: 'modseq', from: at })).toMatchObject({ found: [2], maxModSeq: at });
      expect(await search(id, { kind: 'modseq', from: modSeq(at + 1) })).toMatchObject({ found: [], maxModSeq: 0 });
      expect((await search(id, flag('\\Deleted'))).maxModSeq).toBeLessThan(at);
    });

    it('goes through thousands', async () => {
      const { id } = await stage.account.find('INBOX');
      const rows = Array.from({ length: 4000 }, (_, n) => newRow(`${n}`, { flags: n % 1000 === 7 ? ['Rare'] : [] }));
      await stage.account.append(id, rows);
      expect((await search(id, flag('rare'))).found).toEqual([8, 1008, 2008, 3008]);
      expect((await search(id, { kind: 'header', field: 'Subject', text: '99' })).found).toHaveLength(76);
      expect((await search(id, { kind: 'all' })).found).toHaveLength(4000);
      const { undecided } = await search(id, { kind: 'text', text: 'x' });
      expect(undecided).toHaveLength(4000);
      expect(undecided.at(-1)?.header).toBe('Subject: 3999\r\n\r\n');
    });

    it('is over with its mailbox', async () => {
      await stage.account.edit({ kind: 'create', name: 'X' });
      const { id } = await stage.account.find('X');
      await stage.account.edit({ kind: 'delete', name: 'X' });
      await expect(search(id, { kind: 'all' })).rejects.toMatchObject({ kind: 'gone' });
    });
  });
}
