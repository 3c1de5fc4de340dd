import { describe, expect, it } from 'vitest';
import { Conversation } from '../../src/observe/conversation.ts';
import fc from '../support/fast-check.ts';

/** A dialogue: what each side says, in order. */
type Dialogue = readonly (readonly ['C' | 'S', string])[];

function trace(dialogue: Dialogue, split: (bytes: Buffer) => Uint8Array[] = bytes => [bytes]): string[] {
  const lines: string[] = [];
  const conversation = new Conversation((side, text) => lines.push(`${side}: ${text}`));
  for (const [side, text] of dialogue) {
    for (const chunk of split(Buffer.from(text))) {
      if (side === 'C') conversation.client(chunk);
      else conversation.server(chunk);
    }
  }
  conversation.end();
  return lines;
}

const FULL: Dialogue = [
  ['S', '* OK [CAPABILITY IMAP4rev1] ready {5}\r\n'],
  ['C', 'a1 LOGIN alice "ge{3}heim pass"\r\n'],
  ['S', 'a1 NO [AUTHENTICATIONFAILED] no\r\n'],
  ['C', 'a2 login {5}\r\n'],
  ['S', '+ go on\r\n'],
  ['C', 'alice {6}\r\n'],
  ['S', '+ go on\r\n'],
  ['C', 'geheim\r\n'],
  ['S', 'a2 BAD what is LOGIN alice geheim?\r\n'],
  ['C', 'a3 LOGIN {5+}\r\nalice {6+}\r\ngeheim\r\na4 AUTHENTICATE PLAIN Z2VoZWlt\r\n'],
  ['S', 'a3 NO x\r\na4 NO y\r\n'],
  ['C', 'a5 AUTHENTICATE LOGIN\r\n'],
  ['S', '+ VXNlcm5hbWU6\r\n'],
  ['C', 'Z2VoZWlt\r\n'],
  ['S', '+ UGFzc3dvcmQ6\r\n'],
  ['C', '*\r\n'],
  ['S', 'a5 BAD cancelled Z2VoZWlt\r\n'],
  ['C', 'a6 SELECT {5}\r\n'],
  ['S', 'a6 NO too big\r\n'],
  ['C', 'a7 LOGIN alice geheim\r\n'],
  ['S', 'a7 OK in\r\n'],
  ['C', 'b1 APPEND INBOX (\\Seen) {8+}\r\ngeheim\r\n {8}\r\n'],
  ['S', '+ OK\r\n'],
  ['C', 'geheim\r\n\r\n'],
  ['S', 'b1 OK\r\n'],
  ['C', 'b2 FETCH 1 (BODY[] FLAGS)\r\n'],
  ['S', '* 1 FETCH (BODY[] {14}\r\nb2 OK geheim\r\n FLAGS (\\Seen) X ~{6}\r\ngeheim)\r\nb2 OK done\r\n'],
  ['C', 'b3 IDLE\r\n'],
  ['S', '+ idling\r\n* 2 EXISTS\r\n'],
  ['C', 'DONE\r\n'],
  ['S', 'b3 OK\r\n'],
  ['C', 'b4 COMPRESS DEFLATE\r\n'],
  ['S', 'b4 OK\r\ngeheim, compressed\r\n'],
  ['C', 'geheim, compressed\r\n'],
];

const SHOWN = [
  'S: * OK [CAPABILITY IMAP4rev1] ready {5}',
  'C: a1 LOGIN <hidden>',
  'S: a1 NO [AUTHENTICATIONFAILED] no',
  'C: a2 LOGIN <hidden> {5} <hidden>',
  'S: + go on',
  'C: <hidden> {6} <hidden>',
  'S: + go on',
  'C: <hidden>',
  'S: a2 BAD <hidden>',
  'C: a3 LOGIN <hidden> {5+} <hidden>',
  'C: <hidden> {6+} <hidden>',
  'C: <hidden>',
  'C: a4 AUTHENTICATE PLAIN <hidden>',
  'S: a3 NO x',
  'S: a4 NO y',
  'C: a5 AUTHENTICATE LOGIN',
  'S: + <hidden>',
  'C: <hidden>',
  'S: + <hidden>',
  'C: *',
  'S: a5 BAD <hidden>',
  'C: a6 SELECT {5} <hidden>',
  'S: a6 NO too big',
  'C: a7 LOGIN <hidden>',
  'S: a7 OK in',
  'C: b1 APPEND INBOX (\\Seen) {8+} <hidden>',
  'C:  {8} <hidden>',
  'S: + OK',
  'C: ',
  'S: b1 OK',
  'C: b2 FETCH 1 (BODY[] FLAGS)',
  'S: * 1 FETCH (BODY[] {14} <hidden>',
  'S:  FLAGS (\\Seen) X ~{6} <hidden>',
  'S: )',
  'S: b2 OK done',
  'C: b3 IDLE',
  'S: + idling',
  'S: * 2 EXISTS',
  'C: DONE',
  'S: b3 OK',
  'C: b4 COMPRESS DEFLATE',
  'S: b4 OK',
  'S: <compressed from here on>',
];

describe('Conversation', () => {
  it('shows the dialogue without passwords and literals', () => {
    const lines = trace(FULL);
    expect(lines.join('\n')).not.toMatch(/geheim|Z2Vo|UGFz/);
    expect(lines).toEqual(SHOWN);
  });

  it('does not depend on how the bytes are split', () => {
    const whole = trace(FULL);
    expect(trace(FULL, bytes => [...bytes].map(byte => Uint8Array.of(byte)))).toEqual(whole);
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 20 })), sizes => {
        const split = (bytes: Buffer) => {
          const chunks: Uint8Array[] = [];
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value ?? 1;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          return chunks;
        };
        expect(trace(FULL, split)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['without a tag', 'LOGIN alice geheim\r\n'],
    ['without a tag, quoted as a command', 'LOGIN noop geheim\r\n'],
    ['with two spaces', 'a  LOGIN alice geheim\r\n'],
    ['with a tab', 'a\tLOGIN alice geheim\r\n'],
    ['after a bare CR', 'a SEARCH 1 2 3 4\rb LOGIN alice geheim\r\n'],
    ['after a bare LF', 'a LOGIN "al\nice" "geheim"\r\n'],
    ['in lower case', 'a lOgIn alice geheim\r\n'],
    ['as an unknown command', 'a XLOGIN alice geheim\r\n'],
    ['behind UID', 'a UID LOGIN alice geheim\r\n'],
    ['SASL data at the wrong moment', 'a NOOP\r\ngeheim\r\n'],
    ['SASL without a tag', 'AUTHENTICATE PLAIN geheim\r\n'],
    ['of somebody called AUTHENTICATE, without a tag', 'LOGIN AUTHENTICATE geheim\r\n'],
    ['unfinished', 'a LOGIN alice geh'],
    ['unfinished, as initial response', 'a AUTHENTICATE PLAIN geheim'],
    ['over-long', `a LOGIN ${'x'.repeat(5000)} geheim\r\n`],
    ['as a token', 'a URLFETCH "imap://x/;urlauth=user+alice:internal:geheim"\r\n'],
    ['behind an unasked literal', 'a SELECT {3}\r\nb LOGIN alice geheim\r\n'],
    ['behind a literal of an unknown command', 'LOGIN {3+}\r\nabc geheim\r\n'],
  ])('hides a password %s', (_name, text) => {
    expect(trace([['C', text]]).join('\n')).not.toContain('geh');
  });

  it.each([
    [
      'as a tag',
      [
        ['C', 'a AUTHENTICATE X\r\n'],
        ['S', 'a NO\r\n'],
        ['C', 'Z2VoZWlt\r\n'],
        ['S', 'Z2VoZWlt BAD Error\r\n'],
      ],
    ],
    [
      'as untagged text',
      [
        ['C', 'a LOGIN b geheim\r\n'],
        ['S', '* BAD what is geheim?\r\n'],
      ],
    ],
    [
      'late',
      [
        ['C', 'a LOGIN b geheim\r\nc NOOP\r\n'],
        ['S', 'a BAD LOGIN b geheim\r\n'],
      ],
    ],
    [
      'under a reused tag',
      [
        ['C', 'a LOGIN b geheim\r\na NOOP\r\n'],
        ['S', 'a BAD LOGIN b geheim\r\n'],
      ],
    ],
    [
      'as a tag without status',
      [
        ['C', 'geheim\r\n'],
        ['S', 'geheim is no command\r\n'],
      ],
    ],
  ] as [string, Dialogue][])('hides what a server repeats of a password: %s', (_name, dialogue) => {
    expect(trace(dialogue).join('\n')).not.toMatch(/geheim|Z2Vo/);
  });

  it('shows complaints about what was not secret', () => {
    expect(
      trace([
        ['C', 'a FETCH x\r\n'],
        ['S', 'a BAD Invalid set x\r\n'],
      ]),
    ).toEqual(['C: a FETCH x', 'S: a BAD Invalid set x']);
  });

  it('hides everything of a client that sends a literal before it is asked to', () => {
    const lines = trace([
      ['C', 'a APPEND INBOX {3}\r\n'],
      ['C', 'b LOGIN alice geheim\r\n'],
      ['S', 'a NO no such mailbox\r\n'],
      ['C', 'c LOGIN alice geheim\r\n'],
    ]);
    expect(lines).toEqual([
      'C: a APPEND INBOX {3} <hidden>',
      'C: <hidden from here on: the client sent a literal before it was asked to>',
      'S: a NO no such mailbox',
    ]);
  });

  it('hides a line that was begun as SASL data and finished after the answer', () => {
    const lines = trace([
      ['C', 'a AUTHENTICATE X\r\n'],
      ['C', 'b FETCH gehe'],
      ['S', 'a NO\r\n'],
      ['C', 'im\r\nc NOOP\r\n'],
    ]);
    expect(lines).toEqual(['C: a AUTHENTICATE X', 'S: a NO', 'C: <hidden>', 'C: c NOOP']);
  });

  it('takes nothing behind a literal for an answer', () => {
    const lines = trace([
      ['C', 'a APPEND INBOX {8}\r\n'],
      ['S', '* 1 FETCH (BODY[] {1}\r\nx+ )\r\n'],
      ['C', 'a LOGIN alice geheim\r\n'],
    ]);
    expect(lines.at(-1)).toMatch(/<hidden from here on/);
  });

  it('skips huge literals without keeping them, and cuts long lines', () => {
    const lines: string[] = [];
    const conversation = new Conversation((side, text) => lines.push(`${side}: ${text}`));
    const block = Buffer.alloc(1 << 20, 'x\n');
    conversation.server(Buffer.from(`* 1 FETCH (BODY[] {${1 << 29}}\r\n`));
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 512; count += 1) conversation.server(block);
    conversation.server(Buffer.from(')\r\n'));
    conversation.client(Buffer.alloc(1 << 20, 'a SEARCH '));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 << 20);
    conversation.client(Buffer.from('{7+}\r\n1234567\r\n'));
    expect(lines.slice(0, 2)).toEqual([`S: * 1 FETCH (BODY[] {${1 << 29}} <hidden>`, 'S: )']);
    expect(lines[2]).toMatch(/^C: a SEARCH a SEARCH .*… <\d+ more bytes> \{7\+\} <hidden>$/);
    expect(lines[3]).toBe('C: ');
  });

  it('never shows a secret, whatever the commands around it and the splits', () => {
    const secret = 'geheim';
    const command = fc.constantFrom<Dialogue>(
      [
        ['C', 'a NOOP\r\n'],
        ['S', 'a OK\r\n'],
      ],
      [
        ['C', `a LOGIN x ${secret}\r\n`],
        ['S', 'a NO\r\n'],
      ],
      [
        ['C', 'a LOGIN {1}\r\n'],
        ['S', '+\r\n'],
        ['C', `x {${secret.length}}\r\n`],
        ['S', '+\r\n'],
        ['C', `${secret}\r\n`],
        ['S', 'a OK\r\n'],
      ],
      [
        ['C', 'a LOGIN {1}\r\n'],
        ['S', 'a NO\r\n'],
      ],
      [
        ['C', `a APPEND x {${secret.length}+}\r\n${secret}\r\n`],
        ['S', 'a OK\r\n'],
      ],
      [
        ['C', `a APPEND x {${secret.length}}\r\n`],
        ['S', 'a NO {9}\r\n'],
      ],
      [
        ['C', 'a AUTHENTICATE PLAIN\r\n'],
        ['S', '+ \r\n'],
        ['C', `${secret}\r\n`],
        ['S', 'a OK\r\n'],
      ],
      [
        ['C', `a AUTHENTICATE PLAIN ${secret}\r\nb NOOP\r\n`],
        ['S', `a BAD ${secret}\r\nb OK\r\n`],
      ],
      [
        ['C', 'a FETCH 1 BODY[]\r\n'],
        ['S', `* 1 FETCH (BODY[] {${secret.length}}\r\n${secret})\r\na OK\r\n`],
      ],
      [
        ['C', `${secret}\r\n`],
        ['S', `${secret} BAD\r\n* BAD ${secret}\r\n`],
      ],
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), fc.integer({ min: 1, max: 30 }), (commands, size) => {
        const split = (bytes: Buffer) =>
          Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
        expect(trace(commands.flat(), split).join('\n')).not.toContain(secret);
      }),
      { numRuns: 500 },
    );
  });
});
