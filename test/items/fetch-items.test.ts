import { beforeEach, describe, expect, it } from 'vitest';
import { useStand } from '../commands/mailbox-stand.ts';
import { NESTED, PLAIN, WITH_NUL } from './letters.ts';

const stand = useStand();

const OK = expect.stringMatching(/^OK /);
const BAD = expect.stringMatching(/^BAD /);

beforeEach(async () => {
  const { must } = stand();
  for (const [letter, flags, date] of [
    [PLAIN, '(\\Seen $Label)', '17-Jul-1996 02:44:25 -0700'],
    [NESTED, '()', ' 1-Feb-2024 23:59:59 +0530'],
    [WITH_NUL, '(\\Deleted \\Seen)', '31-Dec-1999 00:00:00 +0000'],
  ] as const) {
    await must(`APPEND INBOX ${flags} "${date}" {${letter.length}+}\r\n${letter.toString('latin1')}`);
  }
  await must('EXAMINE INBOX');
});

const literal = (text: string) => `{${text.length}}\r\n${text}`;
const headerOf = (letter: Buffer) => letter.subarray(0, letter.indexOf('\r\n\r\n') + 4).toString('latin1');
const textOf = (letter: Buffer) => letter.subarray(letter.indexOf('\r\n\r\n') + 4).toString('latin1');
const fields = (...lines: string[]) => literal(`${[...lines, '', ''].join('\r\n')}`);

describe('FETCH tells', () => {
  it.each([
    ['1 UID', 'UID 1'],
    ['1 (uid)', 'UID 1'],
    ['1 FLAGS', 'FLAGS (\\Seen $Label \\Recent)'],
    ['2 FLAGS', 'FLAGS (\\Recent)'],
    ['1 INTERNALDATE', 'INTERNALDATE "17-Jul-1996 02:44:25 -0700"'],
    ['2 INTERNALDATE', 'INTERNALDATE " 1-Feb-2024 23:59:59 +0530"'],
    ['3 INTERNALDATE', 'INTERNALDATE "31-Dec-1999 00:00:00 +0000"'],
    ['1 RFC822.SIZE', `RFC822.SIZE ${PLAIN.length}`],
    [
      '2 ENVELOPE',
      'ENVELOPE ("Thu, 18 Jul 1996 10:00:00 +0200" "=?utf-8?q?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe?=" (("Zoe" NIL "zoe" "example.org")) ' +
        '(("Zoe" NIL "zoe" "example.org")) (("Zoe" NIL "zoe" "example.org")) NIL NIL NIL NIL NIL)',
    ],
    ['1 BODY', 'BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 1)'],
    ['1 BODYSTRUCTURE', 'BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 1 NIL NIL NIL NIL)'],
    ['1 (UID RFC822.SIZE UID)', `UID 1 RFC822.SIZE ${PLAIN.length}`],
    ['1 RFC822', `RFC822 ${literal(PLAIN.toString('latin1'))}`],
    ['1 RFC822.HEADER', `RFC822.HEADER ${literal(headerOf(PLAIN))}`],
    ['1 rfc822.text', `RFC822.TEXT ${literal(textOf(PLAIN))}`],
    ['1 BODY[]', `BODY[] ${literal(PLAIN.toString('latin1'))}`],
    ['1 BODY.PEEK[]', `BODY[] ${literal(PLAIN.toString('latin1'))}`],
    ['1 body.peek[header]', `BODY[HEADER] ${literal(headerOf(PLAIN))}`],
    ['1 BODY[TEXT]', `BODY[TEXT] ${literal('Hello World!\r\n')}`],
    ['1 BODY[1]', `BODY[1] ${literal('Hello World!\r\n')}`],
    ['1 BODY[2]', 'BODY[2] NIL'],
    ['1 BODY[1.2.3]', 'BODY[1.2.3] NIL'],
    ['1 BODY[1.TEXT]', 'BODY[1.TEXT] NIL'],
    ['2 BODY[1]', `BODY[1] ${literal('the first part')}`],
    ['2 BODY[1.MIME]', `BODY[1.MIME] ${fields('Content-Type: text/plain; charset=utf-8', 'X-Part: first')}`],
    ['2 BODY[2.HEADER]', `BODY[2.HEADER] ${fields('Subject: inner', 'From: in@example.org')}`],
    ['2 BODY[2.header.fields (subject)]', `BODY[2.HEADER.FIELDS (subject)] ${fields('Subject: inner')}`],
    ['2 BODY[2.HEADER.FIELDS.NOT (subject)]', `BODY[2.HEADER.FIELDS.NOT (subject)] ${fields('From: in@example.org')}`],
    ['2 BODY[2.TEXT]', `BODY[2.TEXT] ${literal('the inner text')}`],
    ['2 BODY[2.1]', `BODY[2.1] ${literal('the inner text')}`],
    [
      '1 BODY[HEADER.FIELDS (To X-FOLDED)]',
      `BODY[HEADER.FIELDS (To X-FOLDED)] ${fields('To: imap@cac.example', 'X-Folded: one', '\ttwo')}`,
    ],
    [
      '1 BODY[HEADER.FIELDS ("to" {2+}\r\ncc)]',
      `BODY[HEADER.FIELDS (to cc)] ${fields('To: imap@cac.example', 'cc: minutes@CNRI.example, John Klensin <KLENSIN@MIT.example>')}`,
    ],
    ['1 BODY[HEADER.FIELDS (Nowhere)]', `BODY[HEADER.FIELDS (Nowhere)] ${literal('\r\n')}`],
    ['1 BODY[HEADER.FIELDS ("A(b")]', `BODY[HEADER.FIELDS ("A(b")] ${literal('\r\n')}`],
    [
      '1 BODY[HEADER.FIELDS.NOT (date from subject to cc message-id)]',
      `BODY[HEADER.FIELDS.NOT (date from subject to cc message-id)] ${fields('X-Folded: one', '\ttwo')}`,
    ],
    ['1 BODY[TEXT]<0.5>', `BODY[TEXT]<0> ${literal('Hello')}`],
    ['1 BODY[TEXT]<6.100000>', `BODY[TEXT]<6> ${literal('World!\r\n')}`],
    ['1 BODY[TEXT]<14.1>', `BODY[TEXT]<14> ${literal('')}`],
    ['1 BODY[TEXT]<99999999.1>', `BODY[TEXT]<99999999> ${literal('')}`],
    ['1 BODY[HEADER]<6.3>', `BODY[HEADER]<6> ${literal('Wed')}`],
    ['1 BODY[HEADER.FIELDS (To)]<4.4>', `BODY[HEADER.FIELDS (To)]<4> ${literal('imap')}`],
    ['3 BODY[TEXT]', `BODY[TEXT] ${literal('body \x80\x80 end\r\n')}`],
    ['3 BODY[HEADER.FIELDS (X-Nul)]', `BODY[HEADER.FIELDS (X-Nul)] ${fields('X-Nul: a\x80b')}`],
    [
      '1 (BODY[TEXT]<0.1> UID BODY[9] FLAGS)',
      `BODY[TEXT]<0> ${literal('H')} UID 1 BODY[9] NIL FLAGS (\\Seen $Label \\Recent)`,
    ],
  ])('%s', async (line, answer) => {
    const { say } = stand();
    expect(await say(`FETCH ${line}`)).toEqual([`* ${line.charAt(0)} FETCH (${answer})`, OK]);
  });

  it('macros', async () => {
    const { say } = stand();
    const fast = `FLAGS (\\Seen $Label \\Recent) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE ${PLAIN.length}`;
    const [all] = await say('FETCH 1 ALL');
    expect(all).toMatch(/ENVELOPE \(.*\)\)$/);
    expect(all?.startsWith(`* 1 FETCH (${fast} ENVELOPE (`)).toBe(true);
    expect(await say('FETCH 1 fast')).toEqual([`* 1 FETCH (${fast})`, OK]);
    const [full] = await say('FETCH 1 FULL');
    expect(full).toBe(`${all?.slice(0, -1)} BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 1))`);
  });

  it('the UID first to those who name messages by it', async () => {
    const { say } = stand();
    expect(await say('UID FETCH 2:3 (RFC822.SIZE)')).toEqual([
      `* 2 FETCH (UID 2 RFC822.SIZE ${NESTED.length})`,
      `* 3 FETCH (UID 3 RFC822.SIZE ${WITH_NUL.length})`,
      OK,
    ]);
    expect(await say('UID FETCH 7 (RFC822.SIZE)')).toEqual([OK]);
    expect(await say('UID FETCH 7:* RFC822.SIZE')).toEqual([`* 3 FETCH (UID 3 RFC822.SIZE ${WITH_NUL.length})`, OK]);
    expect(await say('UID FETCH 1 (RFC822.SIZE UID)')).toEqual([`* 1 FETCH (RFC822.SIZE ${PLAIN.length} UID 1)`, OK]);
  });
});

describe('FETCH refuses', () => {
  it.each([
    '',
    '1',
    '1 ',
    'x FLAGS',
    '0 FLAGS',
    '4 FLAGS',
    '1:4 FLAGS',
    '1,,2 FLAGS',
    '1 ()',
    '1 (FLAGS',
    '1 FLAGS)',
    '1 FLAGS UID',
    '1 (FLAGS  UID)',
    '1 (ALL)',
    '1 (FLAGS FAST)',
    '1 XYZZY',
    '1 FLAGS[]',
    '1 BODY[',
    '1 BODY[HEADER',
    '1 BODY[MIME]',
    '1 BODY[0]',
    '1 BODY[01]',
    '1 BODY[1.]',
    '1 BODY[.TEXT]',
    '1 BODY[1..2]',
    '1 BODY[1.HEADER.MIME]',
    '1 BODY[1,2]',
    '1 BODY[TEXT.1]',
    '1 BODY[XYZZY]',
    '1 BODY[HEADER.FIELDS]',
    '1 BODY[HEADER.FIELDS ()]',
    '1 BODY[HEADER.FIELDS (a b]',
    '1 BODY[HEADER.FIELDS ("a b")]',
    '1 BODY[HEADER.FIELDS (a:b)]',
    '1 BODY[]<0>',
    '1 BODY[]<0.0>',
    '1 BODY[]<.1>',
    '1 BODY[]<1.>',
    '1 BODY[]<-1.2>',
    '1 BODY[]<0.1',
    '1 BODY[]<0.9999999999999999>',
    '1 BODY.PEEK',
    '1 BODY.PEEK ',
    '1 FLAGS ()',
    '1 FLAGS (XYZZY 1)',
    '1 FLAGS (CHANGEDSINCE)',
    '1 FLAGS (CHANGEDSINCE x)',
    '1 FLAGS (CHANGEDSINCE 99999999999999999999)',
  ])('%s', async line => {
    const { say } = stand();
    expect(await say(`FETCH ${line}`)).toEqual([BAD]);
  });
});
