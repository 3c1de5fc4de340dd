import { describe, expect, it } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import { changedStore, fill } from './letters.ts';
import { useStand } from './mailbox-stand.ts';

const OK = expect.stringMatching(/^OK STORE/);
const BAD = expect.stringMatching(/^BAD /);
const no = (code: string) => expect.stringMatching(new RegExp(`^NO \\[${code}\\]`));
const modSeqOf = (line = '') => Number(/MODSEQ \((\d+)\)/.exec(line)?.[1]);

describe('STORE', () => {
  const stand = useStand();

  it.each([
    ['FLAGS (\\Seen \\flagged)', '\\Flagged \\Seen'],
    ['FLAGS ()', ''],
    ['FLAGS \\Deleted', '\\Deleted'],
    ['FLAGS \\Deleted \\DRAFT $Label', '\\Deleted \\Draft $Label'],
    ['+FLAGS (\\Answered)', '\\Answered \\Flagged'],
    ['+flags $Forwarded', '\\Flagged $Forwarded'],
    ['+FLAGS ()', '\\Flagged'],
    ['-FLAGS (\\Flagged)', ''],
    ['-FLAGS \\Seen', '\\Flagged'],
    ['FLAGS (a A)', 'a'],
    ['FLAGS (NIL)', 'NIL'],
    ['FLAGS (x+y:z)', 'x+y:z'],
  ])('%s', async (change, flags) => {
    const { must, account } = stand();
    await fill(stand(), 1);
    await must('STORE 1 FLAGS (\\Flagged)');
    const told = (await must(`STORE 1 ${change}`)).filter(line => line.includes('FETCH'));
    expect(told).toEqual([`* 1 FETCH (UID 1 FLAGS (${flags === '' ? '' : `${flags} `}\\Recent))`]);
    expect([...(account.boxes.get('INBOX')?.messages[0]?.flags ?? [])].sort()).toEqual(
      flags.split(' ').filter(Boolean).sort(),
    );
  });

  it.each([
    '',
    '1',
    '1 FLAGS',
    '1 FLAGS ',
    '1 FLAGS (\\Recent)',
    '1 +FLAGS \\Recent',
    '1 FLAGS (\\*)',
    '1 FLAGS (\\Xyzzy)',
    '1 FLAGS (\\)',
    '1 FLAGS ("a")',
    '1 FLAGS (a(b))',
    '1 FLAGS (a]b)',
    '1 FLAGS (a%)',
    '1 FLAGS (a',
    '1 FLAGS (a )',
    '1 FLAGS a,b c)',
    `1 FLAGS (${'k'.repeat(256)})`,
    '1 ?FLAGS (a)',
    '1 ++FLAGS (a)',
    '1 FLAGS.LOUD (a)',
    '1 FLAG (a)',
    '2 FLAGS (a)',
    '0 FLAGS (a)',
    '1 () FLAGS (a)',
    '1 (XYZZY 1) FLAGS (a)',
    '1 (UNCHANGEDSINCE) FLAGS (a)',
    '1 (UNCHANGEDSINCE -1) FLAGS (a)',
    '1 (UNCHANGEDSINCE 1)FLAGS (a)',
  ])('refuses %s', async line => {
    const { say, account } = stand();
    await fill(stand(), 1);
    expect(await say(`STORE ${line}`)).toEqual([BAD]);
    expect(account.boxes.get('INBOX')?.messages[0]?.flags.size).toBe(0);
  });

  it('tells each message named, changed or not, new keywords first, and nothing where it is silent', async () => {
    const { say } = stand();
    await fill(stand(), 3);
    expect(await say('STORE 2 +FLAGS.SILENT (\\Seen)')).toEqual([OK]);
    expect(await say('STORE 2 +FLAGS.SILENT (\\Seen)')).toEqual([OK]);
    expect(await say('STORE 1:2 +FLAGS (\\Seen)')).toEqual([
      '* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))',
      '* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))',
      OK,
    ]);
    expect(await say('UID STORE 3 FLAGS (Nouveau)')).toEqual([
      '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Nouveau)',
      expect.stringMatching(/^\* OK \[PERMANENTFLAGS /),
      '* 3 FETCH (UID 3 FLAGS (Nouveau \\Recent))',
      OK,
    ]);
    expect(await say('UID STORE 3 -FLAGS (nouveau)')).toEqual(['* 3 FETCH (UID 3 FLAGS (\\Recent))', OK]);
    expect(await say('UID STORE 7:9 FLAGS (\\Seen)')).toEqual([OK]);
  });

  it('tells even silently what others have changed, too', async () => {
    const { say, door } = stand();
    await fill(stand(), 2);
    const other = await door.enter();
    await other.command('SELECT INBOX');
    await other.command('STORE 1 +FLAGS (\\Answered)');
    expect(await say('STORE 1:2 +FLAGS.SILENT (\\Seen)')).toEqual([
      '* 1 FETCH (UID 1 FLAGS (\\Answered \\Seen \\Recent))',
      OK,
    ]);
    expect((await other.command('NOOP')).untagged).toEqual([
      '* 1 FETCH (UID 1 FLAGS (\\Answered \\Seen))',
      '* 2 FETCH (UID 2 FLAGS (\\Seen))',
    ]);
  });

  it('says that messages are gone', async () => {
    const { say, must, door } = stand();
    await fill(stand(), 2);
    const other = await door.enter();
    await other.command('SELECT INBOX');
    await other.command('STORE 1 +FLAGS (\\Deleted)');
    await must('NOOP');
    await other.command('EXPUNGE');
    expect(await say('STORE 1:2 +FLAGS (\\Seen)')).toEqual([
      '* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))',
      expect.stringMatching(/^OK \[EXPUNGEISSUED\]/),
    ]);
    expect(await say('UID STORE 1:2 -FLAGS (\\Seen)')).toEqual([
      '* 2 FETCH (UID 2 FLAGS (\\Recent))',
      '* 1 EXPUNGE',
      '* 1 RECENT',
      OK,
    ]);
  });

  it('is not for mailboxes that were opened read-only', async () => {
    const { say, must } = stand();
    await fill(stand(), 1);
    await must('EXAMINE INBOX');
    expect(await say('STORE 1 FLAGS (\\Seen)')).toEqual([no('NOPERM')]);
  });
});

describe('STORE of many keywords', () => {
  const stand = useStand({ account: { keywordsMost: 2 } });

  it('says when there are too many', async () => {
    const { say } = stand();
    await fill(stand(), 1);
    expect((await say('STORE 1 FLAGS (a b)')).at(-1)).toEqual(OK);
    expect(await say('STORE 1 +FLAGS (c)')).toEqual(['NO [LIMIT] There are too many keywords in this mailbox.']);
    // The places of keywords that are not used any more can be taken.
    expect((await say('STORE 1 FLAGS (\\Seen)')).slice(-2)).toEqual(['* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent))', OK]);
    expect((await say('STORE 1 +FLAGS (c)')).at(-1)).toEqual(OK);
  });
});

describe('UNCHANGEDSINCE', () => {
  const stand = useStand();

  it('leaves alone what has changed, and names it', async () => {
    const { say, must } = stand();
    await fill(stand(), 4);
    const since = modSeqOf((await must('FETCH 4 MODSEQ')).at(0));
    await must('STORE 2,4 +FLAGS (\\Seen)');
    const lines = await say(`STORE 1:4 (UNCHANGEDSINCE ${since}) +FLAGS (\\Deleted)`);
    expect(lines).toEqual([
      expect.stringMatching(/^\* 1 FETCH \(UID 1 FLAGS \(\\Deleted \\Recent\) MODSEQ \(\d+\)\)$/),
      expect.stringMatching(/^\* 3 FETCH \(UID 3 FLAGS \(\\Deleted \\Recent\) MODSEQ \(\d+\)\)$/),
      expect.stringMatching(/^\* 2 FETCH \(UID 2 FLAGS \(\\Seen \\Recent\) MODSEQ \(\d+\)\)$/),
      expect.stringMatching(/^\* 4 FETCH \(UID 4 FLAGS \(\\Seen \\Recent\) MODSEQ \(\d+\)\)$/),
      expect.stringMatching(/^OK \[MODIFIED 2,4\] /),
    ]);
    const at = modSeqOf(lines[0]);
    expect(await say(`UID STORE 1 (UNCHANGEDSINCE ${at}) -FLAGS.SILENT (\\Deleted)`)).toEqual([
      expect.stringMatching(/^\* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)$/),
      OK,
    ]);
    expect(await say(`UID STORE 3:4 (UNCHANGEDSINCE 0) -FLAGS.SILENT (\\Deleted)`)).toEqual([
      expect.stringMatching(/^\* 3 FETCH \(UID 3 FLAGS \(\\Deleted \\Recent\) MODSEQ/),
      expect.stringMatching(/^\* 4 FETCH \(UID 4 FLAGS \(\\Seen \\Recent\) MODSEQ/),
      expect.stringMatching(/^OK \[MODIFIED 3:4\] /),
    ]);
    expect((await say('STORE 1 (unchangedsince 9223372036854775807) +FLAGS (\\Seen)')).at(-1)).toEqual(OK);
  });

  it('names it by the numbers of the command', async () => {
    const { say, must } = stand();
    await fill(stand(), 4);
    await must('STORE 1 +FLAGS (\\Deleted)');
    await must('EXPUNGE');
    expect((await say('STORE 1,3 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)')).at(-1)).toMatch(/^OK \[MODIFIED 1,3\] /);
    expect((await say('UID STORE 2,4 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)')).at(-1)).toMatch(/^OK \[MODIFIED 2,4\] /);
  });

  it('names it, and answers NO where some messages are gone', async () => {
    const { say, must, door } = stand();
    await fill(stand(), 4);
    const other = await door.enter();
    await other.command('SELECT INBOX');
    await other.command('STORE 1 +FLAGS (\\Deleted)');
    await must('NOOP');
    await must('STORE 3 +FLAGS (\\Seen)');
    const since = modSeqOf((await must('FETCH 1 MODSEQ')).find(line => line.includes('FETCH')));
    await other.command('EXPUNGE');
    const lines = await say(`STORE 1:4 (UNCHANGEDSINCE ${since}) +FLAGS.SILENT (\\Flagged)`);
    expect(lines.at(-1)).toMatch(/^NO \[MODIFIED 3\] /);
    expect(await say(`UID STORE 1:4 (UNCHANGEDSINCE ${since}) +FLAGS.SILENT (\\Answered)`)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^OK \[MODIFIED 2:4\] /)]),
    );
  });
});

describe('STORE that fails', () => {
  const stand = useStand({
    wrap: store =>
      changedStore(store, 'setFlags', () => async () => {
        throw new MailError('no-space', 'the disk is full');
      }),
  });

  it('says why', async () => {
    const { say } = stand();
    await fill(stand(), 1);
    expect(await say('STORE 1 FLAGS (\\Seen)')).toEqual([no('UNAVAILABLE')]);
  });
});
