import { beforeEach, describe, expect, it } from 'vitest';
import type { ModSeq } from '../../../src/mail/ids.ts';
import type { Query } from '../../../src/mail/query.ts';
import type { Stand } from '../store.ts';
import { add, kindOf, message, never, only, ranges } from './session.ts';

const DAY = 86_400_000;
const day = (iso: string) => Date.parse(`${iso}T00:00:00Z`) / DAY;
const flag = (name: string): Query => ({ kind: 'flag', name });
const header = (field: string, text: string): Query => ({ kind: 'header', field, text });
const body = (text: string): Query => ({ kind: 'body', text });
const text = (wanted: string): Query => ({ kind: 'text', text: wanted });
const not = (part: Query): Query => ({ kind: 'not', part });
const all = (...parts: readonly Query[]): Query => ({ kind: 'and', parts });
const either = (...parts: readonly Query[]): Query => ({ kind: 'or', parts });
const received = (when: 'before' | 'on' | 'since', iso: string): Query => ({ kind: 'received', when, day: day(iso) });
const sent = (when: 'before' | 'on' | 'since', iso: string): Query => ({ kind: 'sent', when, day: day(iso) });

export function searching(stand: Stand): void {
  const search = async (query: Query) => {
    const mailbox = await stand.store.open('INBOX', true);
    const { uids } = await mailbox.search(query, never);
    return [...uids];
  };

  describe('of searches', () => {
    beforeEach(async () => {
      const at = (iso: string, zone = 0) => ({ time: Date.parse(iso), zone });
      await add(
        stand.store,
        'INBOX',
        message('Subject: Apples\r\nDate: 1 Feb 2020 10:00:00 +0000\r\n\r\nRed and green\r\n', {
          flags: ['\\Seen', 'Fruit'],
          date: at('2021-03-01T00:30:00Z', 60),
        }),
        message('Subject: =?utf-8?q?B=C3=A4ume?=\r\nFrom: x@y\r\n\r\nThey are =67reen\r\n', {
          flags: ['\\Flagged'],
          date: at('2021-03-01T00:30:00Z', -60),
        }),
        message(
          'Subject: Pears\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThey are =67reen, too\r\n',
          { date: at('2021-03-02T12:00:00Z') },
        ),
        message(`Subject: nothing\r\nX-Apples: none\r\n\r\n${'x'.repeat(3000)}\r\n`, {
          flags: ['\\Seen', '\\Deleted'],
          date: at('2021-03-03T12:00:00Z'),
        }),
      );
    });

    it.each<[string, Query, readonly number[]]>([
      ['all', { kind: 'all' }, [1, 2, 3, 4]],
      ['uids', { kind: 'uid', uids: ranges([2, 3], [9, 90]) }, [2, 3]],
      ['a flag', flag('\\Seen'), [1, 4]],
      ['a flag in any case', flag('\\flagged'), [2]],
      ['a keyword in any case', flag('fRUIT'), [1]],
      ['a keyword that nobody has', flag('none'), []],
      ['not', not(flag('\\Seen')), [2, 3]],
      ['and', all(flag('\\Seen'), not(flag('\\Deleted'))), [1]],
      ['or', either(flag('Fruit'), flag('\\Flagged'), flag('\\Deleted')), [1, 2, 4]],
      ['no parts', all(), [1, 2, 3, 4]],
      ['recent', { kind: 'recent', from: 3 }, [3, 4]],
      ['received on, in its own zone', received('on', '2021-03-01'), [1]],
      ['received before', received('before', '2021-03-01'), [2]],
      ['received since', received('since', '2021-03-02'), [3, 4]],
      ['sent on', sent('on', '2020-02-01'), [1]],
      ['sent since: without a date the day it came', sent('since', '2021-03-01'), [3, 4]],
      ['larger', { kind: 'larger', octets: 1000 }, [4]],
      ['smaller', { kind: 'smaller', octets: 1000 }, [1, 2, 3]],
      ['a header, in any case', header('subject', 'aPPles'), [1]],
      ['a header with encoded words', header('Subject', 'bäum'), [2]],
      ['that there is a header', header('From', ''), [2]],
      ['a header that is not there', header('Cc', ''), []],
      ['a body', body('GREEN'), [1, 3]],
      ['a body and not its header', body('apples'), []],
      ['a text', text('apples'), [1, 4]],
      ['not a body', not(body('green')), [2, 4]],
      ['a body among others', all(body('green'), flag('\\Seen')), [1]],
      ['a body or another', either(body('green'), flag('\\Flagged')), [1, 2, 3]],
    ])('finds %s', async (_, query, uids) => expect(await search(query)).toEqual(uids));

    it('tells the highest modseq of what was found', async () => {
      const mailbox = await stand.store.open('INBOX', false);
      const { at } = await mailbox.snapshot(false);
      const set = await mailbox.setFlags(only(3), { kind: 'add', flags: ['late'] }, { viewAt: at });
      const found = async (query: Query) => (await mailbox.search(query, never)).maxModSeq;
      expect(await found(flag('late'))).toBe(set.at);
      expect(await found(body('too'))).toBe(set.at);
      expect(await found(flag('Fruit'))).toBe(at);
      expect(await search({ kind: 'modseq', from: set.at })).toEqual([3]);
      expect(await search({ kind: 'modseq', from: (set.at + 1) as ModSeq })).toEqual([]);
    });

    it('stops with the signal', async () => {
      const mailbox = await stand.store.open('INBOX', true);
      const gone = new Error('the client is gone');
      await mailbox.search(body('green'), AbortSignal.abort(gone)).catch(error => expect(error).toBe(gone));
      expect(await kindOf(mailbox.search(body('green'), never))).toBe('no error');
    });
  });
}
