import { describe, expect, it, vi } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import type { NewMessage } from '../../src/mail/message.ts';
import type { Store } from '../../src/mail/store.ts';
import { useStand } from './mailbox-stand.ts';

const BAD = expect.stringMatching(/^BAD /);
const LETTER = 'Subject: hello\r\n\r\nhow are you\r\n';
const SIZE = LETTER.length;
const MOST = 100_000;

describe('APPEND', () => {
  const stand = useStand({ limits: { literal: MOST } });

  it.each([
    ['INBOX', []],
    ['inbox ()', []],
    ['"INBOX" (\\seen \\Flagged work)', ['\\Seen', '\\Flagged', 'work']],
    ['{5+}\r\nINBOX (\\Draft)', ['\\Draft']],
    ['INBOX (\\Deleted) " 1-Jan-2020 09:05:07 +0130"', ['\\Deleted']],
  ])('%s', async (line, flags) => {
    const { account, say } = stand();
    expect(await say(`APPEND ${line} {${SIZE}}`, LETTER)).toEqual([
      `OK [APPENDUID ${account.box('INBOX').uidValidity} 1] APPEND completed.`,
    ]);
    const [message] = account.box('INBOX').messages;
    expect(message?.letter.octets.toString('latin1')).toBe(LETTER);
    expect([...(message?.flags ?? [])].sort()).toEqual([...flags].sort());
  });

  it('keeps the date and its zone, and takes now for it', async () => {
    const { account, must } = stand();
    const before = Math.floor(Date.now() / 1000) * 1000;
    await must(`APPEND INBOX " 1-Jan-2020 09:05:07 +0130" {${SIZE}+}`, LETTER);
    await must(`APPEND INBOX {${SIZE}+}`, LETTER);
    const [first, second] = account.box('INBOX').messages.map(({ letter }) => letter.date);
    expect(first).toEqual({ time: Date.parse('2020-01-01T07:35:07Z'), zone: 90 });
    expect(second?.time).toBeGreaterThanOrEqual(before);
    expect(second?.time).toBeLessThanOrEqual(Date.now());
  });

  it('takes octets as they are, in a literal8 too', async () => {
    const { account, must } = stand();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => (byte === 10 ? 11 : byte)));
    await must(`APPEND INBOX ~{${bytes.length}+}`, bytes);
    expect(account.box('INBOX').messages[0]?.letter.octets).toEqual(bytes);
  });

  it('tells the selected mailbox’s new EXISTS before it is done', async () => {
    const { must } = stand();
    await must('SELECT INBOX');
    const lines = await must(`APPEND INBOX {${SIZE}+}`, LETTER);
    expect(lines).toContain('* 1 EXISTS');
    expect(lines.at(-1)).toMatch(/^OK \[APPENDUID \d+ 1\]/);
  });

  it.each([
    ['APPEND', []],
    ['APPEND INBOX', []],
    ['APPEND INBOX ', []],
    ['APPEND INBOX ()', []],
    ['APPEND INBOX "text"', []],
    [`APPEND {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX{${SIZE}+}`, [LETTER]],
    [`APPEND INBOX  {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX \\Seen {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX (\\Recent) {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX (\\Xyzzy) {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX (a]) {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX "30-Feb-2020 00:00:00 +0000" {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX "1-Jan-2020 00:00:00 +0000" {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX 01-Jan-2020 {${SIZE}+}`, [LETTER]],
    [`APPEND INBOX {${SIZE}+}`, [`${LETTER} more`]],
    [`APPEND INBOX {${SIZE}+}`, [`${LETTER} `]],
    [`APPEND INBOX {${SIZE}+}`, [`${LETTER} (\\Seen)`]],
    [`APPEND INBOX {${SIZE}+}`, [`${LETTER} {3+}\r\nabc`]],
    [`APPEND INBOX {${SIZE}+}`, [`${LETTER} {3+}\r\nabc {3+}\r\nabc x`]],
  ])('%j %j is BAD, and nothing is stored', async (line, rest) => {
    const { account, client, say, must } = stand();
    expect(await say(line, ...rest)).toEqual([BAD]);
    expect(account.box('INBOX').messages).toEqual([]);
    // What came of it besides is no command.
    expect(await must('STATUS INBOX (MESSAGES)')).toHaveLength(2);
    expect(client.unread).toBe('');
  });

  it('with more behind a literal that waits is BAD', async () => {
    const { account, client, must } = stand();
    await client.write(`x APPEND INBOX {${SIZE}}\r\n`);
    expect(await client.readLine()).toMatch(/^\+/);
    await client.write(`${LETTER} {3}\r\n`);
    expect(await client.readLine()).toMatch(/^x BAD/);
    expect(account.box('INBOX').messages).toEqual([]);
    await must('NOOP');
  });

  it.each([
    [`none {${SIZE}}`, /^x NO \[TRYCREATE\]/],
    [`"no&ne" {${SIZE}}`, /^x NO \[CANNOT\]/],
    [`INBOX {${MOST + 1}}`, /^x (?:NO|BAD) \[TOOBIG\]/],
    ['INBOX {999999999999999}', /^x (?:NO|BAD) \[TOOBIG\]/],
    ['INBOX {0}', /^x NO \[CANNOT\]/],
    [`INBOX (\\Recent) {${SIZE}}`, /^x BAD/],
  ])('%s is answered before the literal is asked for', async (line, answer) => {
    const { client, must } = stand();
    await client.send(`x APPEND ${line}`);
    expect(await client.readLine()).toMatch(answer);
    await must('NOOP');
    expect(client.unread).toBe('');
  });

  it.each([
    ['none', SIZE, /^NO \[TRYCREATE\]/],
    ['INBOX', MOST + 1, /^(?:NO|BAD) \[TOOBIG\]/],
    ['INBOX', 0, /^NO \[CANNOT\]/],
  ])('skips a literal that came unasked for %s, %i octets', async (name, size, answer) => {
    const { say, must } = stand();
    expect(await say(`APPEND ${name} {${size}+}`, 'x'.repeat(size))).toEqual([expect.stringMatching(answer)]);
    await must('NOOP');
  });

  it('takes as much as is allowed, however it is cut', async () => {
    const { account, client, must } = stand();
    await client.write(`x APPEND INBOX {${MOST}+}\r\n`);
    for (let sent = 0; sent < MOST; sent += 1000) await client.write('x'.repeat(1000));
    await client.send('');
    expect(await client.readLine()).toMatch(/^x OK/);
    expect(account.box('INBOX').messages[0]?.letter.octets.length).toBe(MOST);
    await must('NOOP');
  });

  it('that ends with the connection leaves nothing', async () => {
    const { account, client, door } = stand();
    await client.write(`x APPEND INBOX {${SIZE}+}\r\n${LETTER.slice(0, 10)}`);
    client.close();
    await vi.waitFor(() => expect([...door.sessions.list()]).toEqual([]));
    expect(account.box('INBOX').messages).toEqual([]);
    expect(door.complaints).toEqual([]);
  });

  it('that ends with the connection behind the last octet leaves nothing', async () => {
    const { account, client, door } = stand();
    await client.write(`x APPEND INBOX {${SIZE}+}\r\n${LETTER}`);
    client.close();
    await vi.waitFor(() => expect([...door.sessions.list()]).toEqual([]));
    expect(account.box('INBOX').messages).toEqual([]);
    expect(door.complaints).toEqual([]);
  });
});

describe('APPEND to a store that fails', () => {
  const failing = (after: number, kind: 'over-quota' | 'no-space') => (store: Store) => ({
    ...methodsOf(store),
    async append(_name: string, messages: AsyncIterable<NewMessage>) {
      for await (const { source } of messages) {
        let read = 0;
        for await (const bytes of source) {
          read += bytes.length;
          if (read > after) throw new MailError(kind, 'the test wants it so');
        }
      }
      throw new MailError(kind, 'the test wants it so');
    },
  });

  describe('with an error of its own', () => {
    const stand = useStand({
      wrap: store => ({
        ...methodsOf(store),
        append: (...given: Parameters<Store['append']>) =>
          store.append(...given).catch(error => {
            throw new Error('wrapped', { cause: error });
          }),
      }),
    });

    it('when the command is malformed: BAD all the same', async () => {
      expect(await stand().say('APPEND INBOX {4+}', 'a: b c')).toEqual([BAD]);
    });
  });

  describe('half-way', () => {
    const stand = useStand({ wrap: failing(1000, 'over-quota') });

    it('is answered, and the session goes on', async () => {
      const { say, must } = stand();
      expect(await say('APPEND INBOX {50000}', 'x'.repeat(50_000))).toEqual([
        expect.stringMatching(/^NO \[OVERQUOTA\]/),
      ]);
      expect(await say('APPEND INBOX {50000+}', 'x'.repeat(50_000))).toEqual([
        expect.stringMatching(/^NO \[OVERQUOTA\]/),
      ]);
      await must('NOOP');
    });
  });

  describe('at the end', () => {
    const stand = useStand({ wrap: failing(Number.POSITIVE_INFINITY, 'no-space') });

    it('is answered, and the session goes on', async () => {
      const { say, must } = stand();
      expect(await say('APPEND INBOX {50000}', 'x'.repeat(50_000))).toEqual([
        expect.stringMatching(/^NO \[UNAVAILABLE\]/),
      ]);
      await must('NOOP');
    });
  });
});

function methodsOf(store: Store): Store {
  return {
    list: () => store.list(),
    status: name => store.status(name),
    edit: edit => store.edit(edit),
    open: (name, readOnly) => store.open(name, readOnly),
    append: (name, messages, signal) => store.append(name, messages, signal),
    watch: (scope, signal) => store.watch(scope, signal),
    close: () => store.close(),
  };
}
