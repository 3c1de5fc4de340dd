import { describe, expect, it } from 'vitest';
import type { SpecialUse } from '../../src/mail/mailbox.ts';
import { useStand } from './mailbox-stand.ts';

const FOLDERS: Readonly<Record<string, SpecialUse | undefined>> = {
  Drafts: '\\Drafts',
  Sent: '\\Sent',
  'Sent/2025': undefined,
  'Entwürfe & mehr': undefined,
  'Projects/A': undefined,
  'Projects/A/old': undefined,
  'INBOX/Sub': undefined,
};

describe('LIST', () => {
  const stand = useStand({ account: { folders: FOLDERS } });

  it.each([
    [
      '"" *',
      [
        '* LIST (\\HasNoChildren \\Drafts) "/" Drafts',
        '* LIST (\\HasNoChildren) "/" "Entw&APw-rfe &- mehr"',
        '* LIST (\\HasChildren) "/" INBOX',
        '* LIST (\\HasNoChildren) "/" INBOX/Sub',
        '* LIST (\\Noselect \\HasChildren) "/" Projects',
        '* LIST (\\HasChildren) "/" Projects/A',
        '* LIST (\\HasNoChildren) "/" Projects/A/old',
        '* LIST (\\HasChildren \\Sent) "/" Sent',
        '* LIST (\\HasNoChildren) "/" Sent/2025',
      ],
    ],
    ['"" ""', ['* LIST (\\Noselect) "/" ""']],
    ['INBOX ""', ['* LIST (\\Noselect) "/" ""']],
    ['"" inbox', ['* LIST (\\HasChildren) "/" INBOX']],
    ['Projects/ %', ['* LIST (\\HasChildren) "/" Projects/A']],
    ['"" "Entw&APw-rfe*"', ['* LIST (\\HasNoChildren) "/" "Entw&APw-rfe &- mehr"']],
    ['"" "Entw\xc3\xbcrfe*"', ['* LIST (\\HasNoChildren) "/" "Entw&APw-rfe &- mehr"']],
    ['"" {5+}\r\nSent%', ['* LIST (\\HasChildren \\Sent) "/" Sent']],
    ['"" ~*', []],
    ['"" None', []],
    ['(SPECIAL-USE) "" *', ['* LIST (\\HasNoChildren \\Drafts) "/" Drafts', '* LIST (\\HasChildren \\Sent) "/" Sent']],
    ['(special-use) "" S%', ['* LIST (\\HasChildren \\Sent) "/" Sent']],
    ['"" S% RETURN (SPECIAL-USE)', ['* LIST (\\HasChildren \\Sent) "/" Sent']],
    ['() "" Sent RETURN ()', ['* LIST (\\HasChildren \\Sent) "/" Sent']],
    ['"" P% return (CHILDREN special-use)', ['* LIST (\\Noselect \\NonExistent \\HasChildren) "/" Projects']],
    [
      '"" (Sent INBOX "Dr%")',
      [
        '* LIST (\\HasNoChildren \\Drafts) "/" Drafts',
        '* LIST (\\HasChildren) "/" INBOX',
        '* LIST (\\HasChildren \\Sent) "/" Sent',
      ],
    ],
    ['"" ("")', []],
  ])('%s', async (line, expected) => {
    expect(await stand().say(`LIST ${line}`)).toEqual([...expected, 'OK LIST completed.']);
  });

  it.each([
    ['', /^BAD/],
    ['""', /^BAD/],
    ['"" ', /^BAD/],
    ['"" * ', /^BAD/],
    ['"" * *', /^BAD/],
    ['"" ()', /^BAD/],
    ['"" * RETURN', /^BAD/],
    ['"" * RETURN (XYZZY)', /^BAD/],
    ['"" * RETURN (STATUS (MESSAGES))', /^BAD/],
    ['(REMOTE) "" *', /^BAD/],
    ['(SPECIAL-USE) "" * RETURN', /^BAD/],
    ['"" "a&b"', /^NO \[CANNOT\]/],
    [`"" (${'a '.repeat(20)}a)`, /^NO \[LIMIT\]/],
  ])('%s is refused', async (line, expected) => {
    expect(await stand().say(`LIST ${line}`)).toEqual([expect.stringMatching(expected)]);
  });

  it('tells nothing of a name that is only subscribed', async () => {
    const { must, say } = stand();
    await must('SUBSCRIBE Sent/2025');
    await must('DELETE Sent/2025');
    expect(await say('LIST "" Sent*')).toEqual(['* LIST (\\HasNoChildren \\Sent) "/" Sent', 'OK LIST completed.']);
  });

  it('tells a thousand mailboxes, and long names as they are', async () => {
    const { account, say } = stand();
    for (let count = 0; count < 1000; count += 1)
      account.edit({ kind: 'create', name: `many/${'ü'.repeat(300)}${count}` });
    const lines = await say('LIST "" many/*');
    expect(lines).toHaveLength(1001);
    expect(lines[0]).toMatch(/^\* LIST \(\\HasNoChildren\) "\/" (?:\{\d+\}\r\n)?many\/&/);
  });
});

describe('LSUB', () => {
  const stand = useStand({ account: { folders: FOLDERS } });

  it('tells what is subscribed, there or not, and levels that % does not see through', async () => {
    const { account, must, say } = stand();
    account.subscribed.clear();
    for (const name of ['INBOX', 'Projects/A/old', 'Sent', 'Sent/2025']) await must(`SUBSCRIBE ${name}`);
    await must('DELETE Projects/A/old');
    await must('DELETE Sent/2025');
    const lsub = async (line: string) =>
      (await say(`LSUB ${line}`)).slice(0, -1).map(told => told.replace('* LSUB ', ''));
    expect(await lsub('"" *')).toEqual(['() "/" INBOX', '() "/" Projects/A/old', '() "/" Sent', '() "/" Sent/2025']);
    expect(await lsub('"" %')).toEqual(['() "/" INBOX', '(\\Noselect) "/" Projects', '() "/" Sent']);
    expect(await lsub('Projects/ %')).toEqual(['(\\Noselect) "/" Projects/A']);
    expect(await lsub('"" %/%')).toEqual(['(\\Noselect) "/" Projects/A', '() "/" Sent/2025']);
    expect(await lsub('"" *%')).toEqual(await lsub('"" *'));
    expect(await lsub('"" Projects')).toEqual([]);
    expect(await lsub('"" inbox')).toEqual(['() "/" INBOX']);
    expect(await lsub('"" ""')).toEqual([]);
    await must('SUBSCRIBE Projects/A');
    expect(await lsub('"" P%')).toEqual(['(\\Noselect) "/" Projects']);
    await must('UNSUBSCRIBE Projects/A');
    await must('UNSUBSCRIBE Projects/A/old');
    await must('UNSUBSCRIBE Projects/A/old');
    expect(await lsub('"" %')).toEqual(['() "/" INBOX', '() "/" Sent']);
  });

  it.each(['', '""', '"" * RETURN (CHILDREN)', '"" (* %)', '(SUBSCRIBED) "" *'])('%s is refused', async line => {
    expect(await stand().say(`LSUB ${line}`)).toEqual([expect.stringMatching(/^BAD/)]);
  });
});
