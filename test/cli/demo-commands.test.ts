import { describe, expect, it } from 'vitest';
import { CommandLines } from '../../src/cli/demo/command-lines.ts';

function open() {
  const shown: string[] = [];
  let now = Date.UTC(2026, 10, 21, 12);
  const lines = new CommandLines(
    line => shown.push(line.replace(/^\d\d:\d\d:\d\d {2}/, '')),
    () => (now += 1),
  );
  const tracer = lines.open({ id: 's1', login: 'alice', address: '127.0.0.1' });
  return {
    shown,
    client: (text: string) => tracer.client(Buffer.from(text)),
    server: (text: string) => tracer.server(Buffer.from(text)),
    end: () => tracer.end(),
  };
}

describe('what sessions say, for people', () => {
  it('is shown only of those who are known', () => {
    const lines = new CommandLines(() => {});
    expect([lines.wants(''), lines.wants('alice')]).toEqual([false, true]);
  });

  it('is a line for each command, once it is answered', () => {
    const { shown, client, server } = open();
    client('a1 SELECT INBOX\r\n');
    expect(shown).toEqual([]);
    server('* 3 EXISTS\r\n* 0 RECENT\r\na1 OK [READ-WRITE] SELECT completed.\r\n');
    expect(shown).toEqual([
      expect.stringMatching(
        /^alice {4}SELECT INBOX {2}-> {2}OK \[READ-WRITE\] SELECT completed\. \(2 responses, \d+ ms\)\n$/,
      ),
    ]);
  });

  it('does not count what is in a message, and shows none of it', () => {
    const { shown, client, server } = open();
    client('a1 FETCH 1 BODY[]\r\n');
    server('* 1 FETCH (BODY[] {12}\r\n* a secret\r\n)\r\na1 OK done\r\n');
    client('a2 APPEND INBOX {6+}\r\nsecret\r\n');
    server('a2 OK [APPENDUID 1 2] done\r\n');
    expect(shown.join('')).toMatch(/FETCH 1 BODY\[\] .* \([12] responses?,[\s\S]*APPEND INBOX \{6\+\}/);
    expect(shown.join('')).not.toContain('secret');
  });

  it('says at once that somebody waits, and when somebody leaves', () => {
    const { shown, client, end } = open();
    client('i IDLE\r\n');
    end();
    expect(shown).toEqual(['alice    IDLE: waits for news\n', 'alice    has left\n']);
  });

  it('is cut where it is long, and bounded where nobody answers', () => {
    const { shown, client, server } = open();
    for (let tag = 0; tag < 500; tag += 1) client(`t${tag} NOOP\r\n`);
    client(`x SEARCH SUBJECT ${'y'.repeat(1000)}\r\n`);
    server('t0 OK done\r\nx OK done\r\n');
    expect(shown).toHaveLength(1);
    client(`z SEARCH SUBJECT ${'y'.repeat(1000)}\r\n`);
    server('z OK done\r\n');
    expect(shown[1]?.length).toBeLessThan(200);
  });
});
