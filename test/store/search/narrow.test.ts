import { describe, expect, it } from 'vitest';
import type { ModSeq, Uid } from '../../../src/mail/ids.ts';
import type { Query } from '../../../src/mail/query.ts';
import { type Facts, prepareQuery } from '../../../src/store/search/narrow.ts';
import fc from '../../support/fast-check.ts';

const DAY = 86_400_000;

const facts: Facts = {
  uid: 7,
  flags: 1 + 8 + 64,
  keywords: ['work', 'Later'],
  modseq: 500,
  size: 1000,
  time: 10 * DAY + 23.5 * 3_600_000,
  zone: 60,
  sentDay: 9,
  header: Buffer.from('Subject: Hello World\r\nFrom: ann@example.org\r\n\r\n'),
};

const ask = (query: Query, over: Partial<Facts> = {}) => prepareQuery(query).narrow({ ...facts, ...over });
const body = (text: string): Query => ({ kind: 'body', text });

describe('what the index can say', () => {
  it.each<[Query, boolean]>([
    [{ kind: 'all' }, true],
    [{ kind: 'uid', uids: [[5 as Uid, 7 as Uid]] }, true],
    [{ kind: 'uid', uids: [[8 as Uid, 9 as Uid]] }, false],
    [{ kind: 'flag', name: '\\ANSWERED' }, true],
    [{ kind: 'flag', name: '\\Deleted' }, false],
    [{ kind: 'flag', name: 'later' }, true],
    [{ kind: 'flag', name: 'Work' }, false],
    [{ kind: 'flag', name: 'unheard-of' }, false],
    [{ kind: 'recent', from: 7 }, true],
    [{ kind: 'recent', from: 8 }, false],
    // In its own zone it is already the next day.
    [{ kind: 'received', when: 'on', day: 11 }, true],
    [{ kind: 'received', when: 'before', day: 11 }, false],
    [{ kind: 'received', when: 'since', day: 11 }, true],
    [{ kind: 'received', when: 'since', day: 12 }, false],
    [{ kind: 'sent', when: 'on', day: 9 }, true],
    [{ kind: 'sent', when: 'before', day: 10 }, true],
    [{ kind: 'sent', when: 'since', day: 10 }, false],
    [{ kind: 'larger', octets: 999 }, true],
    [{ kind: 'larger', octets: 1000 }, false],
    [{ kind: 'smaller', octets: 1001 }, true],
    [{ kind: 'smaller', octets: 1000 }, false],
    [{ kind: 'modseq', from: 500 as ModSeq }, true],
    [{ kind: 'modseq', from: 501 as ModSeq }, false],
    [{ kind: 'header', field: 'subject', text: 'LO WO' }, true],
    [{ kind: 'header', field: 'to', text: '' }, false],
    [{ kind: 'and', parts: [] }, true],
    [{ kind: 'or', parts: [] }, false],
    [body(''), true],
    [{ kind: 'text', text: '' }, true],
  ])('%j is %j', (query, expected) => {
    expect(ask(query)).toBe(expected);
    expect(ask({ kind: 'not', part: query })).toBe(!expected);
  });

  it('takes the internal date for a message without a date', () => {
    expect(ask({ kind: 'sent', when: 'on', day: 11 }, { sentDay: undefined })).toBe(true);
  });

  it('follows the table of keywords from page to page', () => {
    const prepared = prepareQuery({ kind: 'flag', name: 'work' });
    expect(prepared.narrow({ ...facts, flags: 32 })).toBe(true);
    expect(prepared.narrow({ ...facts, flags: 32, keywords: ['other', 'work'] })).toBe(false);
    expect(prepared.narrow({ ...facts, flags: 64, keywords: ['other', 'work'] })).toBe(true);
  });

  it('says whether it needs headers', () => {
    expect(prepareQuery(body('x')).needs.header).toBe(false);
    const header: Query = { kind: 'header', field: 'to', text: 'x' };
    expect(prepareQuery({ kind: 'not', part: { kind: 'or', parts: [body('x'), header] } }).needs.header).toBe(true);
  });

  it('refuses what lies too deep', () => {
    let query: Query = { kind: 'all' };
    for (let depth = 0; depth < 100_000; depth += 1) query = { kind: 'not', part: query };
    expect(() => prepareQuery(query)).toThrow(expect.objectContaining({ kind: 'limit' }));
  });
});

describe('what is left for the texts', () => {
  const yes: Query = { kind: 'all' };
  const no: Query = { kind: 'not', part: yes };

  it.each<[string, Query, boolean | Query]>([
    ['a text', body('x'), body('x')],
    ['and yes', { kind: 'and', parts: [yes, body('x')] }, body('x')],
    ['and no', { kind: 'and', parts: [body('x'), no] }, false],
    ['or yes', { kind: 'or', parts: [body('x'), yes] }, true],
    ['or no', { kind: 'or', parts: [no, body('x')] }, body('x')],
    ['twice the same', { kind: 'and', parts: [body('x'), body('x')] }, body('x')],
    [
      'double negation',
      { kind: 'not', part: { kind: 'and', parts: [yes, { kind: 'not', part: body('x') }] } },
      body('x'),
    ],
    [
      'and within and',
      { kind: 'and', parts: [body('x'), { kind: 'and', parts: [body('y'), body('x')] }] },
      { kind: 'and', parts: [body('x'), body('y')] },
    ],
    [
      'a header that is not at hand',
      { kind: 'header', field: 'to', text: 'x' },
      { kind: 'header', field: 'to', text: 'x' },
    ],
  ])('%s', (_, query, expected) => {
    expect(ask(query, { header: undefined })).toStrictEqual(expected);
  });

  it('is the same object where it is the same', () => {
    const prepared = prepareQuery({
      kind: 'or',
      parts: [
        { kind: 'and', parts: [{ kind: 'flag', name: '\\Seen' }, body('x'), body('y')] },
        { kind: 'and', parts: [body('x'), body('y')] },
      ],
    });
    const one = prepared.narrow(facts);
    const two = prepared.narrow({ ...facts, uid: 8, flags: 0 });
    expect(one).toStrictEqual({ kind: 'and', parts: [body('x'), body('y')] });
    expect(two).toBe(one);
  });

  it('means the same as the whole', () => {
    const leaf = fc.oneof(
      fc.constantFrom<Query>(yes, { kind: 'flag', name: '\\Seen' }, { kind: 'larger', octets: 500 }),
      fc.constantFrom('a', 'b', 'c').map(body),
    );
    const { query } = fc.letrec<{ query: Query }>(tie => ({
      query: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc
          .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('query'), { maxLength: 4 }))
          .map(([kind, parts]): Query => ({ kind, parts })),
        tie('query').map((part): Query => ({ kind: 'not', part })),
      ),
    }));
    const seen = fc.boolean();
    const holds = fc.subarray(['a', 'b', 'c']);
    fc.assert(
      fc.property(query, seen, fc.integer({ min: 0, max: 1000 }), holds, (asked, isSeen, size, texts) => {
        const message = { ...facts, flags: isSeen ? 8 : 0, size };
        const left = prepareQuery(asked).narrow(message);
        const answer = typeof left === 'boolean' ? left : meaning(left, message, texts);
        expect(answer).toBe(meaning(asked, message, texts));
      }),
    );
  });
});

/** The plainest reading of a query, for messages of which is known what texts they hold. */
function meaning(query: Query, message: Facts, texts: readonly string[]): boolean {
  switch (query.kind) {
    case 'and':
      return query.parts.every(part => meaning(part, message, texts));
    case 'or':
      return query.parts.some(part => meaning(part, message, texts));
    case 'not':
      return !meaning(query.part, message, texts);
    case 'body':
      return texts.includes(query.text);
    case 'flag':
      return message.flags === 8;
    case 'larger':
      return message.size > query.octets;
    default:
      return true;
  }
}
