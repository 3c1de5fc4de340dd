import { beforeEach, describe, expect, it } from 'vitest';
import { NESTED, PLAIN } from '../items/letters.ts';
import { changedStore, fill } from './letters.ts';
import { useStand } from './mailbox-stand.ts';

const OK = expect.stringMatching(/^OK SEARCH/);
const BAD = expect.stringMatching(/^BAD /);

describe('SEARCH', () => {
  const stand = useStand();

  /** 1: from 1996, seen, labelled. 2: from 2024, with umlauts. 3: expunged. 4: a draft. */
  beforeEach(async () => {
    const { must } = stand();
    for (const [letter, flags, date] of [
      [PLAIN, '(\\Seen $Label)', '17-Jul-1996 02:44:25 -0700'],
      [NESTED, '(\\Flagged)', ' 1-Feb-2024 23:59:59 +0530'],
      [Buffer.from('Subject: gone\r\n\r\n'), '(\\Deleted)', ' 1-Feb-2024 23:59:59 +0530'],
      [Buffer.from('Subject: late\r\n\r\nfourth\r\n'), '(\\Draft \\Answered \\Deleted)', '10-Mar-2024 00:00:00 +0000'],
    ] as const) {
      await must(`APPEND INBOX ${flags} "${date}" {${letter.length}+}\r\n${letter.toString('latin1')}`);
    }
    await must('SELECT INBOX');
    await must('UID EXPUNGE 3');
  });

  // Messages 1, 2 and 3 by number, 1, 2 and 4 by UID.
  it.each([
    ['ALL', '1 2 3'],
    ['all', '1 2 3'],
    ['1', '1'],
    ['2:*', '2 3'],
    ['*', '3'],
    ['*:1', '1 2 3'],
    ['1,3', '1 3'],
    ['4', ''],
    ['3:9', '3'],
    ['9:*', '3'],
    ['7,9:8,2', '2'],
    ['UID 4', '3'],
    ['UID 3', ''],
    ['UID 3:*', '3'],
    ['UID 9:*', '3'],
    ['SEEN', '1'],
    ['UNSEEN', '2 3'],
    ['FLAGGED', '2'],
    ['UNFLAGGED', '1 3'],
    ['ANSWERED', '3'],
    ['UNANSWERED', '1 2'],
    ['DELETED', '3'],
    ['UNDELETED', '1 2'],
    ['DRAFT', '3'],
    ['UNDRAFT', '1 2'],
    ['KEYWORD $Label', '1'],
    ['KEYWORD $label', '1'],
    ['KEYWORD nothing', ''],
    ['UNKEYWORD $Label', '2 3'],
    ['RECENT', '1 2 3'],
    ['NEW', '2 3'],
    ['OLD', ''],
    ['BEFORE 1-Feb-2024', '1'],
    ['BEFORE "2-feb-2024"', '1 2'],
    ['ON 1-Feb-2024', '2'],
    ['ON 01-FEB-2024', '2'],
    ['SINCE 1-Feb-2024', '2 3'],
    ['SENTBEFORE 18-Jul-1996', '1'],
    ['SENTON 18-Jul-1996', '2'],
    ['SENTSINCE 18-Jul-1996', '2 3'],
    [`LARGER ${PLAIN.length - 1}`, '1 2'],
    [`SMALLER ${PLAIN.length}`, '3'],
    ['FROM gray', '1'],
    ['FROM "ZOE@example"', '2'],
    ['TO imap@', '1'],
    ['CC klensin', '1'],
    ['BCC x', ''],
    ['SUBJECT minutes', '1'],
    ['SUBJECT ""', '1 2 3'],
    ['HEADER X-Folded two', '1'],
    ['HEADER x-folded ""', '1'],
    ['HEADER Message-ID B27397', '1'],
    ['BODY hello', '1'],
    ['BODY {6+}\r\nfourth', '3'],
    ['TEXT "terry gray"', '1'],
    ['NOT SEEN', '2 3'],
    ['NOT NOT SEEN', '1'],
    ['NOT 1', '2 3'],
    ['NOT (1 SEEN)', '2 3'],
    ['OR SEEN DRAFT', '1 3'],
    ['or seen or draft flagged', '1 2 3'],
    ['OR OR SEEN DRAFT FLAGGED', '1 2 3'],
    ['OR OR SEEN DRAFT FLAGGED UNDRAFT', '1 2'],
    ['OR 1 2', '1 2'],
    ['OR (1 DRAFT) (2 FLAGGED)', '2'],
    ['(SEEN)', '1'],
    ['((1:2) (UNSEEN))', '2'],
    ['SEEN FLAGGED', ''],
    ['1:2 UNSEEN', '2'],
    ['UNSEEN 1:2 FLAGGED ALL', '2'],
    ['CHARSET UTF-8 ALL', '1 2 3'],
    ['charset us-ascii SUBJECT minutes', '1'],
    ['MODSEQ 0', '1 2 3'],
    ['MODSEQ 9223372036854775807', ''],
    ['MODSEQ "/flags/\\\\draft" all 0', '1 2 3'],
  ])('%s', async (keys, numbers) => {
    const { say } = stand();
    const tail = keys.startsWith('MODSEQ') && numbers !== '' ? ' \\(MODSEQ \\d+\\)' : '';
    const told = (list: string) =>
      expect.stringMatching(new RegExp(`^\\* SEARCH${list === '' ? '' : ` ${list}`}${tail}$`));
    const withoutModSeq = (lines: string[]) => lines.filter(line => !line.includes('[HIGHESTMODSEQ'));
    expect(withoutModSeq(await say(`SEARCH ${keys}`))).toEqual([told(numbers), OK]);
    const uids = numbers.replace('3', '4');
    expect(await say(`UID SEARCH ${keys}`)).toEqual([told(uids), OK]);
  });

  it.each([
    '',
    ' ',
    'XYZZY',
    'SEEN ',
    'SEEN  SEEN',
    '0',
    '1:x',
    '()',
    '(SEEN',
    'SEEN)',
    'NOT',
    'NOT ',
    'OR SEEN',
    'OR SEEN ',
    'OR',
    'UID',
    'UID x',
    'KEYWORD',
    'KEYWORD \\Seen',
    'KEYWORD "a"',
    'BEFORE',
    'BEFORE 2024-02-01',
    'BEFORE 30-Feb-2024',
    'BEFORE 1-Foo-2024',
    'BEFORE "1-Feb-2024',
    'BEFORE 1-Feb-2024"',
    'BEFORE 1-Feb-24',
    'LARGER x',
    'LARGER -1',
    'SUBJECT',
    'SUBJECT ',
    'SUBJECT a b',
    'SUBJECT {1+}\r\n\0',
    'HEADER a',
    'CHARSET',
    'CHARSET UTF-8',
    'CHARSET UTF-8 ',
    'ALL CHARSET UTF-8',
    'MODSEQ',
    'MODSEQ x',
    'MODSEQ "a" 1',
    'MODSEQ "a" any 1',
    `${'NOT '.repeat(101)}SEEN`,
    `${'('.repeat(51)}SEEN${')'.repeat(51)}`,
    `${'OR '.repeat(101)}SEEN${' SEEN'.repeat(101)}`,
  ])('refuses %s', async keys => {
    const { say } = stand();
    expect(await say(`SEARCH ${keys}`)).toEqual([BAD]);
  });

  it('takes long chains of OR', async () => {
    const { say } = stand();
    const chain = `${'OR SUBJECT nothing '.repeat(2000)}SUBJECT minutes`;
    expect(await say(`SEARCH ${chain}`)).toEqual(['* SEARCH 1', OK]);
  });

  it.each([
    ['', 'Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe'],
    ['CHARSET UTF-8 ', 'sch\xc3\xb6ne'],
    ['CHARSET "utf-8" ', 'sch\xc3\xb6ne'],
    ['CHARSET ISO-8859-1 ', 'sch\xf6ne'],
    ['CHARSET iso-8859-15 ', 'gr\xfc\xdfe'],
    ['CHARSET koi8-r ', 'Sch'],
  ])('reads texts in charsets (%s)', async (charset, text) => {
    const { say } = stand();
    expect(await say(`SEARCH ${charset}SUBJECT {${text.length}+}\r\n${text}`)).toEqual(['* SEARCH 2', OK]);
    expect(await say(`SEARCH ${charset}SUBJECT "${text}"`)).toEqual(['* SEARCH 2', OK]);
  });

  it('says which charsets it knows', async () => {
    const { say } = stand();
    expect(await say('SEARCH CHARSET klingon-1 SUBJECT {1+}\r\n\xff')).toEqual([
      expect.stringMatching(/^NO \[BADCHARSET \(US-ASCII UTF-8 .*\)\] /),
    ]);
    expect(await say('SEARCH CHARSET US-ASCII SUBJECT {1+}\r\n\xff')).toEqual([expect.stringMatching(/^NO The text/)]);
    expect(await say('SEARCH SUBJECT {1+}\r\n\xff')).toEqual([expect.stringMatching(/^NO The text/)]);
  });

  it('finds nothing that the client has not been told of, and does not tell expunges by number', async () => {
    const { say, door } = stand();
    const other = await door.enter();
    await other.command('SELECT INBOX');
    await other.command('APPEND INBOX {1+}\r\nx');
    await other.command('STORE 1 +FLAGS (\\Deleted)');
    await other.command('UID EXPUNGE 1');
    expect(await say('SEARCH ALL')).toEqual(['* SEARCH 2 3', '* 4 EXISTS', '* 3 RECENT', OK]);
    await other.command('APPEND INBOX {1+}\r\nx');
    expect(await say('UID SEARCH ALL')).toEqual([
      '* SEARCH 2 4 5',
      '* 1 EXPUNGE',
      '* 2 RECENT',
      '* 4 EXISTS',
      '* 2 RECENT',
      OK,
    ]);
  });
});

describe('SEARCH of much', () => {
  const stand = useStand();

  it('answers in one line', async () => {
    const { account, must } = stand();
    await fill(stand(), 1);
    const box = account.boxes.get('INBOX');
    const [message] = box?.messages ?? [];
    if (!box || !message) throw new Error('no message');
    box.arrive(
      Array.from({ length: 20_000 }, () => ({ letter: message.letter, flags: [] })),
      Date.now(),
    );
    await must('SELECT INBOX');
    const numbers = Array.from({ length: 20_001 }, (_, index) => index + 1).join(' ');
    expect(await must('SEARCH ALL')).toEqual([`* SEARCH ${numbers}`, OK]);
  });

  it('answers in an empty mailbox', async () => {
    const { must } = stand();
    await must('SELECT INBOX');
    expect(await must('SEARCH ALL')).toEqual(['* SEARCH', OK]);
    expect(await must('UID SEARCH 1:*')).toEqual(['* SEARCH', OK]);
  });
});

describe('SEARCH by sets that come to too much', () => {
  const stand = useStand({
    wrap: store =>
      changedStore(store, 'uids', () => async () => Uint32Array.from({ length: 10_000 }, (_, n) => 2 * n + 1)),
    account: {},
  });

  it('is refused before it fills the memory', async () => {
    const { say, account, must } = stand();
    await fill(stand(), 1);
    const box = account.boxes.get('INBOX');
    const [message] = box?.messages ?? [];
    if (!box || !message) throw new Error('no message');
    box.arrive(
      Array.from({ length: 9_999 }, () => ({ letter: message.letter, flags: [] })),
      Date.now(),
    );
    await must('SELECT INBOX');
    expect((await say(`SEARCH 1:3${' 1:*'.repeat(8)} 1`)).at(-1)).toEqual(OK);
    expect(await say(`SEARCH${' 1:*'.repeat(10_000)}`)).toEqual(['NO [LIMIT] The search names too many messages.']);
  });
});
