import { describe, expect, it } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import type { Content } from '../../src/mail/message.ts';
import { changedStore, fill } from './letters.ts';
import { useStand } from './mailbox-stand.ts';

const OK = expect.stringMatching(/^OK FETCH/);

describe('FETCH of octets', () => {
  const stand = useStand();

  it('makes messages \\Seen, tells so once, and tells others', async () => {
    const { say, must, door } = stand();
    await fill(stand(), 3);
    await must('STORE 2 +FLAGS.SILENT (\\Seen)');
    const other = await door.enter();
    await other.command('SELECT INBOX');
    expect(await say('FETCH 1:2 BODY[TEXT]')).toEqual([
      '* 1 FETCH (BODY[TEXT] {8}\r\ntext 1\r\n FLAGS (\\Seen \\Recent))',
      '* 2 FETCH (BODY[TEXT] {8}\r\ntext 2\r\n)',
      OK,
    ]);
    expect(await say('FETCH 1 (FLAGS BODY[TEXT])')).toEqual([
      '* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {8}\r\ntext 1\r\n)',
      OK,
    ]);
    expect(await say('NOOP')).toEqual([expect.stringMatching(/^OK/)]);
    expect((await other.command('NOOP')).untagged).toEqual(['* 1 FETCH (UID 1 FLAGS (\\Seen))']);
  });

  it.each(['BODY[]', 'BODY[HEADER]', 'BODY[HEADER.FIELDS (Subject)]', 'BODY[1]<0.1>', 'RFC822', 'RFC822.TEXT'])(
    'marks by %s',
    async item => {
      const { must } = stand();
      await fill(stand(), 1);
      await must(`FETCH 1 ${item}`);
      expect(await must('FETCH 1 FLAGS')).toEqual(['* 1 FETCH (FLAGS (\\Seen \\Recent))', OK]);
    },
  );

  it.each(['BODY.PEEK[]', 'BODY.PEEK[HEADER]', 'RFC822.HEADER', 'BODY', 'ENVELOPE', 'FULL'])(
    'does not by %s',
    async item => {
      const { must } = stand();
      await fill(stand(), 1);
      await must(`FETCH 1 ${item}`);
      expect(await must('FETCH 1 FLAGS')).toEqual(['* 1 FETCH (FLAGS (\\Recent))', OK]);
    },
  );

  it('is sent in pieces also where the rows have it all', async () => {
    const { must, say } = stand();
    const header = `Subject: ${'x'.repeat(100_000)}\r\n\r\n`;
    await must(`APPEND INBOX {${header.length}+}\r\n${header}`);
    await must('SELECT INBOX');
    const [line] = await say(
      `FETCH 1 (${Array.from({ length: 50 }, (_, at) => `BODY.PEEK[HEADER]<${at}.99900>`).join(' ')} UID)`,
    );
    const told = Array.from(
      { length: 50 },
      (_, at) => `BODY[HEADER]<${at}> {99900}\r\n${header.slice(at, at + 99_900)}`,
    );
    expect(line === `* 1 FETCH (${told.join(' ')} UID 1)`).toBe(true);
  });

  it('does not after EXAMINE', async () => {
    const { must } = stand();
    await fill(stand(), 1);
    await must('EXAMINE INBOX');
    expect(await must('FETCH 1 BODY[TEXT]')).toEqual(['* 1 FETCH (BODY[TEXT] {8}\r\ntext 1\r\n)', OK]);
    expect(await must('FETCH 1 FLAGS')).toEqual(['* 1 FETCH (FLAGS ())', OK]);
  });

  it('tells the flag as it was asked for, in the same response', async () => {
    const { must } = stand();
    await fill(stand(), 1);
    expect(await must('FETCH 1 (BODY[TEXT] FLAGS)')).toEqual([
      '* 1 FETCH (BODY[TEXT] {8}\r\ntext 1\r\n FLAGS (\\Seen \\Recent))',
      OK,
    ]);
  });

  it('tells the new mod-sequence to those who know of them', async () => {
    const { must } = stand();
    await fill(stand(), 1);
    await must('ENABLE CONDSTORE');
    const [line, ...more] = await must('FETCH 1 BODY[TEXT]');
    expect(more).toEqual([OK]);
    const modseq = /MODSEQ \((\d+)\)\)$/.exec(line ?? '')?.[1];
    expect(line).toBe(`* 1 FETCH (BODY[TEXT] {8}\r\ntext 1\r\n FLAGS (\\Seen \\Recent) MODSEQ (${modseq}))`);
    expect(await must('FETCH 1 MODSEQ')).toEqual([`* 1 FETCH (MODSEQ (${modseq}))`, OK]);
  });
});

describe('FETCH of what others have changed', () => {
  const stand = useStand();

  it('leaves out what is gone, and says so', async () => {
    const { say, must, door } = stand();
    await fill(stand(), 3);
    const other = await door.enter();
    await other.command('SELECT INBOX');
    await other.command('STORE 2 +FLAGS (\\Deleted)');
    await must('NOOP');
    await other.command('EXPUNGE');
    expect(await say('FETCH 1:3 UID')).toEqual([
      '* 1 FETCH (UID 1)',
      '* 3 FETCH (UID 3)',
      expect.stringMatching(/^OK \[EXPUNGEISSUED\] /),
    ]);
    expect(await say('FETCH 3 BODY.PEEK[TEXT]')).toEqual(['* 3 FETCH (BODY[TEXT] {8}\r\ntext 3\r\n)', OK]);
    expect(await say('UID FETCH 1:3 UID')).toEqual([
      '* 1 FETCH (UID 1)',
      '* 3 FETCH (UID 3)',
      '* 2 EXPUNGE',
      '* 2 RECENT',
      OK,
    ]);
    expect(await say('FETCH 2 UID')).toEqual(['* 2 FETCH (UID 3)', OK]);
  });

  it('does not tell what the client does not know of', async () => {
    const { say, door } = stand();
    await fill(stand(), 1);
    const other = await door.enter();
    await other.command('APPEND INBOX {1+}\r\nx');
    expect(await say('UID FETCH 1:* UID')).toEqual(['* 1 FETCH (UID 1)', '* 2 EXISTS', '* 2 RECENT', OK]);
    expect(await say('UID FETCH 2 UID')).toEqual(['* 2 FETCH (UID 2)', OK]);
  });

  it('tells nothing of an empty mailbox', async () => {
    const { say, must } = stand();
    await must('SELECT INBOX');
    expect(await say('FETCH 1:* FLAGS')).toEqual([OK]);
    expect(await say('UID FETCH 1:* FLAGS')).toEqual([OK]);
    expect(await say('FETCH 1 FLAGS')).toEqual([expect.stringMatching(/^BAD/)]);
  });
});

describe('CHANGEDSINCE', () => {
  const stand = useStand();

  it('tells only what has changed, with its mod-sequence', async () => {
    const { say, must } = stand();
    await fill(stand(), 4);
    const [first] = await must('FETCH 4 MODSEQ');
    const since = Number(/MODSEQ \((\d+)\)/.exec(first ?? '')?.[1]);
    expect(await say(`FETCH 1:* FLAGS (CHANGEDSINCE ${since})`)).toEqual([OK]);
    await must('STORE 2,4 +FLAGS (\\Flagged)');
    const at = expect.stringMatching(/^\* [24] FETCH \(UID [24] FLAGS \(\\Flagged \\Recent\) MODSEQ \(\d+\)\)$/);
    expect(await say(`UID FETCH 1:* FLAGS (CHANGEDSINCE ${since})`)).toEqual([at, at, OK]);
    expect(await say(`UID FETCH 1:3 (FLAGS) (CHANGEDSINCE ${since})`)).toEqual([at, OK]);
    const [asked] = await say(`FETCH 2 (MODSEQ) (changedsince ${since})`);
    expect(asked).toMatch(/^\* 2 FETCH \(MODSEQ \(\d+\)\)$/);
    expect(await say(`UID FETCH 1:* FLAGS (CHANGEDSINCE 9223372036854775807)`)).toEqual([OK]);
  });
});

describe('FETCH of what cannot be read', () => {
  type Spoil = (content: Content | undefined) => Content | undefined;
  /** What happens to the second content that is asked for. */
  let fault: Spoil = content => content;
  let asked = 0;
  const stand = useStand({
    wrap: store =>
      changedStore(store, 'content', content => async (...args) => {
        asked += 1;
        const whole = await content(...args);
        return asked === 2 ? fault(whole) : whole;
      }),
  });
  const broken =
    (after: number, size?: number): Spoil =>
    content =>
      content && {
        size: size ?? content.size,
        async *read() {
          for (let sent = 0; sent < after; sent += 1000) yield Buffer.alloc(Math.min(1000, after - sent), 'x');
          throw new MailError('damaged', 'a frame is broken');
        },
      };

  it('leaves the message out, tells the others and ends with NO', async () => {
    const { say } = stand();
    await fill(stand(), 3);
    const faults: Spoil[] = [
      () => {
        throw new MailError('damaged', 'the blob is missing');
      },
      broken(0),
      broken(5),
      content => content && { size: 9, read: () => content.read() },
      content => content && { size: 7, read: () => content.read() },
    ];
    for (fault of faults) {
      asked = 0;
      expect(await say('FETCH 1:3 (UID BODY.PEEK[TEXT])')).toEqual([
        '* 1 FETCH (UID 1 BODY[TEXT] {8}\r\ntext 1\r\n)',
        '* 3 FETCH (UID 3 BODY[TEXT] {8}\r\ntext 3\r\n)',
        expect.stringMatching(/^NO \[SERVERBUG\] /),
      ]);
    }
  });

  it.each([1000, 100_000])('ends the connection once a part of it has gone out (pieces of %i)', async piece => {
    const { client } = stand();
    await fill(stand(), 3);
    asked = 0;
    fault = () => ({
      size: 200_000,
      async *read() {
        for (let sent = 0; sent < 100_000; sent += piece) yield Buffer.alloc(piece, 'x');
        throw new MailError('damaged', 'a frame is broken');
      },
    });
    await client.write('a FETCH 1:3 BODY.PEEK[TEXT]\r\n');
    const heard = await client.readToEnd();
    expect(heard).toContain('* 2 FETCH (BODY[TEXT] {200000}\r\nxxx');
    expect(heard.endsWith('xxx')).toBe(true);
  });

  it('says NIL of a part, where another part of the response has gone out', async () => {
    const { say } = stand();
    await fill(stand(), 3);
    asked = 1;
    fault = content => {
      asked = 1;
      fault = () => {
        throw new MailError('unavailable', 'the disk is away');
      };
      return (
        content && {
          size: 100_000,
          async *read() {
            yield Buffer.alloc(100_000, 'x');
          },
        }
      );
    };
    const lines = await say('FETCH 2 (BODY.PEEK[TEXT] BODY.PEEK[1])');
    expect(lines[0]).toMatch(/xxx BODY\[1\] NIL\)$/);
    expect(lines[1]).toMatch(/^NO \[UNAVAILABLE\]/);
  });
});

describe('FETCH where \\Seen cannot be stored', () => {
  const stand = useStand({
    wrap: store =>
      changedStore(store, 'setFlags', () => async () => {
        throw new MailError('no-space', 'the disk is full');
      }),
  });

  it('lets people read all the same', async () => {
    const { say } = stand();
    await fill(stand(), 1);
    expect(await say('FETCH 1 BODY[TEXT]')).toEqual([
      expect.stringMatching(/^\* NO \[UNAVAILABLE\] /),
      '* 1 FETCH (BODY[TEXT] {8}\r\ntext 1\r\n)',
      OK,
    ]);
  });
});

describe('FETCH of a header too large for its column', () => {
  const stand = useStand({
    wrap: store =>
      changedStore(
        store,
        'rows',
        rows =>
          async function* (...args) {
            for await (const { headers, ...page } of rows(...args)) {
              yield {
                ...page,
                ...(headers && { headers: { bytes: headers.bytes, ends: headers.ends.map(end => -1 - end) } }),
              };
            }
          },
      ),
  });

  it('reads it from the content', async () => {
    const { say } = stand();
    await fill(stand(), 2);
    expect(await say('FETCH 1:2 (BODY.PEEK[HEADER.FIELDS (Subject)] UID)')).toEqual([
      '* 1 FETCH (BODY[HEADER.FIELDS (Subject)] {22}\r\nSubject: message 1\r\n\r\n UID 1)',
      '* 2 FETCH (BODY[HEADER.FIELDS (Subject)] {22}\r\nSubject: message 2\r\n\r\n UID 2)',
      OK,
    ]);
  });
});
