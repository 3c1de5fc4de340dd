import { describe, expect, it } from 'vitest';
import {
  encodeMailboxName,
  levelsAbove,
  mailboxName,
  NAME_LEVELS_MOST,
  NAME_OCTETS_MOST,
  newMailboxName,
} from '../../src/imap/mailbox-name.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import { Encoder } from '../../src/wire/encoder.ts';
import { encodeMutf7 } from '../../src/wire/mutf7.ts';
import fc from '../support/fast-check.ts';

const kindOf = (work: () => unknown): string => {
  try {
    return `"${work()}"`;
  } catch (error) {
    if (error instanceof MailError) return error.kind;
    throw error;
  }
};

describe('the mailbox a client names', () => {
  it.each([
    ['INBOX', 'INBOX'],
    ['inbox', 'INBOX'],
    ['InBoX/Sub', 'INBOX/Sub'],
    ['inboxes', 'inboxes'],
    ['Mail/inbox', 'Mail/inbox'],
    ['&AO4-nbox', 'înbox'],
    ['&ATE-nbox', 'ınbox'],
    ['&-', '&'],
    ['Entw&APw-rfe', 'Entwürfe'],
    ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
    ['e&AwE-', 'é'],
    ['Entwürfe', 'Entwürfe'],
    ['Tom & Jerry/é', 'Tom & Jerry/é'],
    ['a*b', 'a*b'],
    ['a/', 'a/'],
  ])('%j is %j', (wire, name) => {
    expect(mailboxName(wire)).toBe(name);
  });

  it.each(['&', 'a&b', '&Jjo', '&Jjo!', '&U,BTFw-&ZeVnLIqe-', '&AGE-', '&2AA-', '\x01', 'a\x7f', '&AAA='])(
    '%j is no name',
    wire => {
      expect(kindOf(() => mailboxName(wire))).toBe('cannot');
    },
  );
});

describe('the name of a new mailbox', () => {
  const octets = 'x'.repeat(NAME_OCTETS_MOST);
  const levels = Array.from({ length: NAME_LEVELS_MOST }, () => 'x').join('/');

  it.each([
    ['Sent', '"Sent"'],
    ['Sent/', '"Sent"'],
    ['inbox/x/', '"INBOX/x"'],
    [' . ', '" . "'],
    ['Re: [x] "y" \\z', '"Re: [x] "y" \\z"'],
    ['Entw&APw-rfe', '"Entwürfe"'],
    [octets, `"${octets}"`],
    [levels, `"${levels}"`],
    ['', 'cannot'],
    ['/', 'cannot'],
    ['/a', 'cannot'],
    ['a//b', 'cannot'],
    ['a//', 'cannot'],
    ['a%', 'cannot'],
    ['*', 'cannot'],
    ['&AAE-', 'cannot'],
    ['&AAoACg-', 'cannot'],
    ['&AIU-', 'cannot'],
    ['&ICg-', 'cannot'],
    ['Entwürfe', 'cannot'],
    ['&U,BTFw', 'cannot'],
    [`${octets}x`, 'cannot'],
    [`${'&APw-'.repeat(1)}${'x'.repeat(NAME_OCTETS_MOST - 1)}`, 'cannot'],
    [`${levels}/x`, 'cannot'],
  ])('%j: %s', (wire, expected) => {
    expect(kindOf(() => newMailboxName(wire))).toBe(expected);
  });

  it('is told so that the client names the same mailbox with it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), text => {
        const wire = encodeMutf7(text.toWellFormed());
        const made = kindOf(() => newMailboxName(wire));
        if (made === 'cannot') return;
        const name = newMailboxName(wire);
        const told = Buffer.concat(encodeMailboxName(new Encoder(), name).finish()).toString('latin1');
        expect(told).toMatch(/^(?:[^\x00-\x20\x7f-\xff(){"%*\\]+|"(?:[^"\\\x00\r\n\x80-\xff]|\\["\\])*")\r\n$/);
        expect(mailboxName(encodeMutf7(name))).toBe(name);
        expect(newMailboxName(encodeMutf7(name))).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });
});

it('has the levels above it', () => {
  expect(levelsAbove('a/b/c')).toEqual(['a', 'a/b']);
  expect(levelsAbove('a')).toEqual([]);
});
