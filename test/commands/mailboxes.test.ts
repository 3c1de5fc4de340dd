import { describe, expect, it } from 'vitest';
import { useStand } from './mailbox-stand.ts';

const OK = expect.stringMatching(/^OK /);
const BAD = expect.stringMatching(/^BAD /);
const no = (code: string) => expect.stringMatching(new RegExp(`^NO \\[${code}\\]`));

describe('CREATE', () => {
  const stand = useStand({ account: { folders: { Sent: '\\Sent' } } });

  it.each([
    ['foo', OK, 'foo'],
    ['foo/', OK, 'foo'],
    ['inbox/foo', OK, 'INBOX/foo'],
    ['a/b/c', OK, 'a/b/c'],
    ['"Entw&APw-rfe"', OK, 'Entwürfe'],
    ['e&AwE-', OK, 'é'],
    ['{3+}\r\nfoo', OK, 'foo'],
    ['foo (USE (\\Trash))', OK, 'foo'],
    ['foo (use (\\drafts \\DRAFTS))', OK, 'foo'],
    ['foo (USE ())', OK, 'foo'],
    ['Sent', no('ALREADYEXISTS'), undefined],
    ['iNBOX', no('ALREADYEXISTS'), undefined],
    ['""', no('CANNOT'), undefined],
    ['a//b', no('CANNOT'), undefined],
    ['/a', no('CANNOT'), undefined],
    ['"a*"', no('CANNOT'), undefined],
    ['"Entw\xc3\xbcrfe"', no('CANNOT'), undefined],
    ['&&', no('CANNOT'), undefined],
    ['foo (USE (\\Sent))', no('USEATTR'), undefined],
    ['foo (USE (\\All))', no('USEATTR'), undefined],
    ['foo (USE (\\Xyzzy))', no('USEATTR'), undefined],
    ['foo (USE (\\Trash \\Junk))', no('USEATTR'), undefined],
    ['', BAD, undefined],
    ['a%', BAD, undefined],
    ['foo bar', BAD, undefined],
    ['foo ()', BAD, undefined],
    ['foo (USE)', BAD, undefined],
    ['foo (COLOUR (red))', BAD, undefined],
    ['foo (USE (\\Trash) USE (\\Junk))', BAD, undefined],
    ['"\xff"', BAD, undefined],
  ])('%s', async (line, answer, made) => {
    const { account, say } = stand();
    const before = [...account.boxes.keys()];
    expect(await say(`CREATE ${line}`)).toEqual([answer]);
    expect([...account.boxes.keys()]).toEqual(made === undefined ? before : [...before, made]);
  });

  it('gives the special use', async () => {
    const { must } = stand();
    await must('CREATE Bin (USE (\\Trash))');
    expect(await must('LIST (SPECIAL-USE) "" B%')).toEqual(['* LIST (\\HasNoChildren \\Trash) "/" Bin', OK]);
  });
});

describe('DELETE', () => {
  const stand = useStand({ account: { folders: { a: undefined, 'a/b': undefined, 'level/c': undefined } } });

  it.each([
    ['a/b', OK],
    ['a', OK],
    ['INBOX', no('CANNOT')],
    ['inbox', no('CANNOT')],
    ['none', no('NONEXISTENT')],
    ['a/', no('NONEXISTENT')],
    ['level', no('HASCHILDREN')],
    ['"&"', no('CANNOT')],
    ['', BAD],
    ['a b', BAD],
  ])('%s', async (line, answer) => {
    expect(await stand().say(`DELETE ${line}`)).toEqual([answer]);
  });

  it('leaves what is below, and the name as a level', async () => {
    const { must } = stand();
    await must('DELETE a');
    expect(await must('LIST "" a*')).toEqual([
      '* LIST (\\Noselect \\HasChildren) "/" a',
      '* LIST (\\HasNoChildren) "/" a/b',
      OK,
    ]);
  });

  it('of the selected mailbox leaves none selected', async () => {
    const { must, say } = stand();
    await must('SELECT a');
    expect(await say('DELETE a')).toEqual([OK]);
    expect(await say('CLOSE')).toEqual([BAD]);
    await must('SELECT INBOX');
  });

  it('that fails leaves the mailbox selected', async () => {
    const { must, say } = stand();
    await must('SELECT INBOX');
    expect(await say('DELETE INBOX')).toEqual([no('CANNOT')]);
    await must('CLOSE');
  });

  it('of another mailbox leaves the one that is selected', async () => {
    const { must } = stand();
    await must('SELECT a');
    await must('DELETE a/b');
    await must('CLOSE');
  });
});

describe('RENAME', () => {
  const deep = Array.from({ length: 31 }, () => 'd').join('/');
  const stand = useStand({
    account: {
      folders: {
        a: undefined,
        'a/b': undefined,
        'level/c': undefined,
        'taken/b': undefined,
        [`deep/${deep}`]: undefined,
      },
    },
  });

  it.each([
    ['a z', OK, ['z', 'z/b']],
    ['a z/', OK, ['z', 'z/b']],
    ['a INBOX/a', OK, ['INBOX/a', 'INBOX/a/b']],
    ['level z', OK, ['z/c']],
    ['a/b b', OK, ['b']],
    ['INBOX old', OK, ['old']],
    ['inbox INBOX/old', OK, ['INBOX/old']],
    ['a level', OK, ['level', 'level/b']],
    ['a taken', no('ALREADYEXISTS'), []],
    ['a a', no('ALREADYEXISTS'), []],
    ['a inbox', no('ALREADYEXISTS'), []],
    ['a a/c', no('CANNOT'), []],
    ['a x//y', no('CANNOT'), []],
    ['a "x*"', no('CANNOT'), []],
    ['deep deeper/still', no('CANNOT'), []],
    ['none z', no('NONEXISTENT'), []],
    ['a', BAD, []],
    ['a b c', BAD, []],
    ['', BAD, []],
  ])('%s', async (line, answer, made) => {
    const { account, say } = stand();
    const before = new Set(account.boxes.keys());
    expect(await say(`RENAME ${line}`)).toEqual([answer]);
    expect([...account.boxes.keys()].filter(name => !before.has(name))).toEqual(made);
  });

  it('of INBOX moves what is in it', async () => {
    const { must } = stand();
    await must('APPEND INBOX {4+}', 'a: b');
    await must('RENAME INBOX saved/box');
    expect(await must('STATUS saved/box (MESSAGES)')).toEqual(['* STATUS saved/box (MESSAGES 1)', OK]);
    expect(await must('STATUS inbox (MESSAGES)')).toEqual(['* STATUS inbox (MESSAGES 0)', OK]);
  });

  it('of the selected mailbox leaves it selected', async () => {
    const { must } = stand();
    await must('SELECT a');
    await must('RENAME a z');
    expect(await must('APPEND z {4+}', 'a: b')).toContain('* 1 EXISTS');
  });
});

describe('SUBSCRIBE', () => {
  const stand = useStand({ account: { folders: { a: undefined, 'level/c': undefined } } });

  it.each([
    ['a', OK],
    ['level', OK],
    ['Inbox', OK],
    ['none', no('NONEXISTENT')],
    ['"a*"', no('NONEXISTENT')],
    ['', BAD],
    ['a b', BAD],
  ])('%s', async (line, answer) => {
    expect(await stand().say(`SUBSCRIBE ${line}`)).toEqual([answer]);
  });
});

describe('STATUS', () => {
  const stand = useStand({ account: { folders: { 'x/Entwürfe': undefined } } });

  it('counts', async () => {
    const { must, account } = stand();
    await must('APPEND INBOX (\\Seen) {4+}', 'a: b');
    await must('APPEND INBOX {4+}', 'a: b');
    const { uidValidity, at } = account.box('INBOX').status();
    expect(await must('STATUS inbox (UIDNEXT messages UNSEEN RECENT UIDVALIDITY)')).toEqual([
      `* STATUS inbox (UIDNEXT 3 MESSAGES 2 UNSEEN 1 RECENT 2 UIDVALIDITY ${uidValidity})`,
      OK,
    ]);
    expect(await must('STATUS INBOX (HIGHESTMODSEQ)')).toEqual([`* STATUS INBOX (HIGHESTMODSEQ ${at})`, OK]);
    for (const name of ['x/Entw&APw-rfe', 'x/Entwu&Awg-rfe']) {
      expect(await must(`STATUS ${name} (MESSAGES MESSAGES)`)).toEqual([`* STATUS ${name} (MESSAGES 0)`, OK]);
    }
    expect(await must('STATUS "x/Entw\xc3\xbcrfe" (MESSAGES)')).toEqual(['* STATUS x/Entw&APw-rfe (MESSAGES 0)', OK]);
  });

  it('of the selected mailbox is that of the store', async () => {
    const { must } = stand();
    await must('SELECT INBOX');
    await must('APPEND INBOX {4+}', 'a: b');
    expect(await must('STATUS INBOX (MESSAGES RECENT)')).toContain('* STATUS INBOX (MESSAGES 1 RECENT 0)');
  });

  it('tells no HIGHESTMODSEQ above an expunge that the client has not been told of', async () => {
    const { must, account, door } = stand();
    for (let count = 0; count < 2; count += 1) await must('APPEND INBOX {4+}', 'a: b');
    await must('SELECT INBOX (CONDSTORE)');
    const other = await door.enter();
    for (const line of ['SELECT INBOX', 'STORE 1 +FLAGS.SILENT (\\Deleted)', 'EXPUNGE']) await other.command(line);
    await must('FETCH 2 (FLAGS)');
    const modSeq = async () =>
      Number(/HIGHESTMODSEQ (\d+)/.exec((await must('STATUS INBOX (HIGHESTMODSEQ)')).join())?.[1]);
    const { at } = account.box('INBOX').status();
    expect(await modSeq()).toBeLessThan(at);
    await must('NOOP');
    expect(await modSeq()).toBe(at);
  });

  it.each([
    ['none (MESSAGES)', no('NONEXISTENT')],
    ['x (MESSAGES)', no('NONEXISTENT')],
    ['"&" (MESSAGES)', no('CANNOT')],
    ['INBOX', BAD],
    ['INBOX ()', BAD],
    ['INBOX MESSAGES', BAD],
    ['INBOX (XYZZY)', BAD],
    ['INBOX (MESSAGES) x', BAD],
  ])('%s is refused', async (line, answer) => {
    expect(await stand().say(`STATUS ${line}`)).toEqual([answer]);
  });
});

describe('what is told of it', () => {
  const stand = useStand();

  it('NAMESPACE', async () => {
    expect(await stand().say('NAMESPACE')).toEqual(['* NAMESPACE (("" "/")) NIL NIL', OK]);
  });

  it('CAPABILITY', async () => {
    const [told = ''] = await stand().say('CAPABILITY');
    expect(told.split(' ')).toEqual(
      expect.arrayContaining(['IMAP4rev1', 'LITERAL+', 'NAMESPACE', 'CHILDREN', 'SPECIAL-USE', 'CREATE-SPECIAL-USE']),
    );
  });
});
