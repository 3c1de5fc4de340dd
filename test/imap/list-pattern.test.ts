import { describe, expect, it } from 'vitest';
import { ListPattern } from '../../src/imap/list-pattern.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import fc from '../support/fast-check.ts';

const NAMES = ['INBOX', 'INBOX/a', 'INBOX/a/b', 'Sent', 'Sent/2025', 'Sent/2025/Q1', 'inboxes', 'Entwürfe', 'x&y'];

describe('LIST patterns', () => {
  it.each([
    ['', '*', NAMES],
    ['', '%', ['INBOX', 'Sent', 'inboxes', 'Entwürfe', 'x&y']],
    ['', '%/%', ['INBOX/a', 'Sent/2025']],
    ['', '%/%/%', ['INBOX/a/b', 'Sent/2025/Q1']],
    ['', '*/%', ['INBOX/a', 'INBOX/a/b', 'Sent/2025', 'Sent/2025/Q1']],
    ['', '%/*', ['INBOX/a', 'INBOX/a/b', 'Sent/2025', 'Sent/2025/Q1']],
    ['', '%*', NAMES],
    ['', '*%', NAMES],
    ['', 'inbox', ['INBOX']],
    ['', 'iNb%', ['INBOX']],
    ['', 'inb%', ['INBOX', 'inboxes']],
    ['', 'inbox*', ['INBOX', 'INBOX/a', 'INBOX/a/b', 'inboxes']],
    ['', 'inbox/A', []],
    ['', 'inbox/a', ['INBOX/a']],
    ['', 'INBOX/%/b', ['INBOX/a/b']],
    ['', '*b', ['INBOX/a/b']],
    ['', '*x', ['INBOX']],
    ['', '%x', ['INBOX']],
    ['', '%2025', []],
    ['', '*2025', ['Sent/2025']],
    ['', '*2*5*', ['Sent/2025', 'Sent/2025/Q1']],
    ['', '%e%t%', ['Sent']],
    ['', 'S%t/%5/Q%', ['Sent/2025/Q1']],
    ['', '', []],
    ['', 'sent', []],
    ['', 'Entw&APw-r%', ['Entwürfe']],
    ['', 'Entw%fe', ['Entwürfe']],
    ['', 'Entwürfe', ['Entwürfe']],
    ['', 'x&-y', ['x&y']],
    ['Sent/', '%', ['Sent/2025']],
    ['Sent', '%', ['Sent']],
    ['Sent', '/%', ['Sent/2025']],
    ['Sent/', '', []],
    ['inb', 'ox', ['INBOX']],
    ['/', 'Sent', []],
    ['', '/%', []],
  ])('%j %j', (reference, text, expected) => {
    const pattern = new ListPattern(reference, text);
    expect(NAMES.filter(name => pattern.matches(name))).toEqual(expected);
  });

  it.each([
    ['', '&'],
    ['&', '*'],
    ['&AOQ', '-'],
    ['', '&AO*'],
  ])('%j %j is not modified UTF-7', (reference, text) => {
    expect(() => new ListPattern(reference, text)).toThrow(MailError);
  });

  it('match as a regular expression does', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', '%', '*'), maxLength: 12 });
    const names = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 16 });
    fc.assert(
      fc.property(texts, names, (text, name) => {
        const same = new RegExp(`^${text.replaceAll('*', '.*').replaceAll('%', '[^/]*')}$`);
        expect(new ListPattern('', text).matches(name)).toBe(same.test(name));
      }),
      { numRuns: 20_000 },
    );
  });

  // By backtracking each of these would take longer than the world has been there.
  it.each([
    ['stars', '*'.repeat(1000), true],
    ['stars with letters between them', '*a'.repeat(499), true],
    ['stars with letters that do not end well', `${'*a'.repeat(400)}b`, false],
    ['percents', '%a'.repeat(499), true],
    ['percents that do not end well', `${'%a'.repeat(400)}b`, false],
    ['of both', '%a*a'.repeat(200), true],
    ['of both in a line', '*%'.repeat(32_000), true],
    ['letters too many', 'a'.repeat(64_000), false],
  ])('cost little, though they be a thousand %s', (_, text, expected) => {
    expect(new ListPattern('', text).matches('a'.repeat(1000))).toBe(expected);
  });
});
