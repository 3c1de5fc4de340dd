import { describe, expect, it } from 'vitest';
import { fill } from './letters.ts';
import { useStand } from './mailbox-stand.ts';

const OK = expect.stringMatching(/^OK /);
const BAD = expect.stringMatching(/^BAD /);
const no = (code: string) => expect.stringMatching(new RegExp(`^NO \\[${code}\\]`));

describe.each(['COPY', 'MOVE'])('%s', verb => {
  const stand = useStand({ account: { folders: { Archive: undefined, Entwürfe: undefined } } });
  const uidsIn = (name: string) =>
    stand()
      .account.boxes.get(name)
      ?.messages.map(({ uid }) => uid);
  const subjectsIn = (name: string) =>
    stand()
      .account.boxes.get(name)
      ?.messages.map(({ letter }) => /message \d+/.exec(letter.octets.toString())?.[0]);
  const validity = (name: string) => stand().account.boxes.get(name)?.uidValidity;

  it('tells which became which', async () => {
    const { say, must } = stand();
    await fill(stand(), 4);
    await must('STORE 2 FLAGS.SILENT (\\Flagged $Kept)');
    const copyUid = `[COPYUID ${validity('Archive')} 2,4 1:2]`;
    const lines = await say(`${verb} 2,4 Archive`);
    if (verb === 'COPY') {
      expect(lines).toEqual([`OK ${copyUid} COPY completed.`]);
      expect(uidsIn('INBOX')).toEqual([1, 2, 3, 4]);
    } else {
      expect(lines).toEqual([
        `* OK ${copyUid} Moved.`,
        '* 4 EXPUNGE',
        '* 2 EXPUNGE',
        '* 2 RECENT',
        'OK MOVE completed.',
      ]);
      expect(uidsIn('INBOX')).toEqual([1, 3]);
    }
    expect(subjectsIn('Archive')).toEqual(['message 2', 'message 4']);
    await must('EXAMINE Archive');
    expect((await must('FETCH 1 FLAGS')).at(0)).toBe('* 1 FETCH (FLAGS (\\Flagged $Kept \\Recent))');
  });

  it.each([
    ['1 Nowhere', no('TRYCREATE')],
    ['1 &&', no('CANNOT')],
    ['1', BAD],
    ['1 ', BAD],
    ['9 Archive', BAD],
    ['x Archive', BAD],
    ['1 Archive more', BAD],
  ])('refuses %s', async (line, answer) => {
    const { say } = stand();
    await fill(stand(), 1);
    expect(await say(`${verb} ${line}`)).toEqual([answer]);
    expect(uidsIn('INBOX')).toEqual([1]);
  });

  it('finds mailboxes by their wire names, and itself', async () => {
    const { must } = stand();
    await fill(stand(), 2);
    await must(`${verb} 1 "Entw&APw-rfe"`);
    expect(subjectsIn('Entwürfe')).toEqual(['message 1']);
    const last = verb === 'COPY' ? 2 : 1;
    await must(`${verb} ${last} {5+}\r\ninbox`);
    expect(uidsIn('INBOX')).toEqual(verb === 'COPY' ? [1, 2, 3] : [3]);
    expect(await must('UID FETCH 3 UID')).toEqual([`* ${verb === 'COPY' ? 3 : 1} FETCH (UID 3)`, OK]);
  });

  it('does nothing by UID where there is nothing, and tells nothing', async () => {
    const { say } = stand();
    await fill(stand(), 1);
    expect(await say(`UID ${verb} 7:9 Archive`)).toEqual([OK]);
    expect(await say(`UID ${verb} 1:9 Archive`)).toEqual(expect.arrayContaining([expect.stringContaining(' 1 1]')]));
  });

  it('says that the messages are gone', async () => {
    const { say, must, door } = stand();
    await fill(stand(), 3);
    const other = await door.enter();
    await other.command('SELECT INBOX');
    await other.command('STORE 1:2 +FLAGS (\\Deleted)');
    await must('NOOP');
    await other.command('EXPUNGE');
    expect((await say(`${verb} 1 Archive`)).at(-1)).toEqual(no('EXPUNGEISSUED'));
    expect(uidsIn('Archive')).toEqual([]);
  });

  it('goes from a read-only mailbox only by copying', async () => {
    const { say, must } = stand();
    await fill(stand(), 1);
    await must('EXAMINE INBOX');
    expect((await say(`${verb} 1 Archive`)).at(-1)).toEqual(verb === 'COPY' ? OK : no('NOPERM'));
  });
});

describe('UID', () => {
  const stand = useStand();

  it.each(['', ' ', ' NOOP', ' SELECT INBOX', ' XYZZY', ' FETCH', ' FETCH 1', ' UID FETCH 1 FLAGS'])(
    'refuses UID%s',
    async line => {
      const { say } = stand();
      await fill(stand(), 1);
      expect(await say(`UID${line}`)).toEqual([BAD]);
    },
  );

  it('EXPUNGE takes out the messages named, of those that are \\Deleted', async () => {
    const { say, must } = stand();
    await fill(stand(), 4);
    await must('STORE 1:3 +FLAGS.SILENT (\\Deleted)');
    expect(await say('UID EXPUNGE 2:9')).toEqual(['* 3 EXPUNGE', '* 2 EXPUNGE', '* 2 RECENT', OK]);
    expect(await must('FETCH 1:* UID')).toEqual(['* 1 FETCH (UID 1)', '* 2 FETCH (UID 4)', OK]);
  });
});
