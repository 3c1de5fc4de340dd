import { describe, expect, it } from 'vitest';
import { normaliseLogin, preparePassword, splitLogin } from '../../src/auth/login-name.ts';
import fc from '../support/fast-check.ts';

const LOWER = { case: 'lower', strip_domain: false } as const;
const KEEP = { case: 'keep', strip_domain: false } as const;
const DEFAULT = { case: 'lower', strip_domain: false, default_domain: 'Example.org' } as const;
const STRIP = { case: 'lower', strip_domain: true } as const;
const STRIP_DEFAULT = { case: 'lower', strip_domain: true, default_domain: 'example.org' } as const;

describe('a login name', () => {
  it.each([
    ['alice', LOWER, 'alice'],
    ['ALICE@Example.ORG', LOWER, 'alice@example.org'],
    ['Alice@Example.org', KEEP, 'Alice@Example.org'],
    ['alice', DEFAULT, 'alice@example.org'],
    ['alice@other.org', DEFAULT, 'alice@other.org'],
    ['alice@other.org', STRIP, 'alice'],
    ['alice@EXAMPLE.org', STRIP_DEFAULT, 'alice'],
    ['alice@other.org', STRIP_DEFAULT, 'alice@other.org'],
    ['alice', STRIP_DEFAULT, 'alice'],
    ['CORP\\alice', LOWER, 'corp\\alice'],
    ['CORP\\alice', DEFAULT, 'corp\\alice'],
    ['*)(uid=*', LOWER, '*)(uid=*'],
    ['a b', LOWER, 'a b'],
    // The examples of RFC 4013 §3.
    ['I\u00adX', KEEP, 'IX'],
    ['user', KEEP, 'user'],
    ['USER', KEEP, 'USER'],
    ['\u00aa', KEEP, 'a'],
    ['\u2168', KEEP, 'IX'],
    ['ali\u00a0ce', LOWER, 'ali ce'],
    ['alice\uff20example.org', LOWER, 'alice@example.org'],
    ['stra\u00dfe', LOWER, 'stra\u00dfe'],
    ['J\u030c', LOWER, '\u01f0'],
    ['al\u200c\u2060i\ufe0fce\ufeff', LOWER, 'alice'],
    ['Ju\u0308rgen', LOWER, 'j\u00fcrgen'],
    ['\u05d3\u05d5\u05d3@example.org', LOWER, '\u05d3\u05d5\u05d3@example.org'],
    ['\u{1d400}lice', LOWER, 'alice'],
  ])('%j is prepared', (text, rules, login) => {
    expect(normaliseLogin(text, rules)).toEqual(splitLogin(login));
  });

  it.each([
    ['', 'empty'],
    ['\u00ad', 'empty'],
    ['@example.org', 'has no local part'],
    ['alice@', 'is not of the form local@domain'],
    ['alice@a@b', 'is not of the form local@domain'],
    [' alice', 'has spaces at an end or in a run'],
    ['alice\u3000', 'has spaces at an end or in a run'],
    ['a  b', 'has spaces at an end or in a run'],
    ['alice @example.org', 'has spaces at an end or in a run'],
    ['alice@ example.org', 'has spaces at an end or in a run'],
    ['alice\0', 'contains the prohibited character U+0000'],
    ['\u0007', 'contains the prohibited character U+0007'],
    ['al\nice', 'contains the prohibited character U+000A'],
    ['al\u202eice', 'contains the prohibited character U+202E'],
    ['al\u2066ice', 'contains the prohibited character U+2066'],
    ['\ue000', 'contains the prohibited character U+E000'],
    ['\ud800', 'contains the prohibited character U+D800'],
    ['\ufdd0', 'contains the prohibited character U+FDD0'],
    ['\ufffd', 'contains the prohibited character U+FFFD'],
    ['\u{e0041}', 'contains the prohibited character U+E0041'],
    // RFC 4013 §3, the last.
    ['\u06271', 'mixes writing directions'],
    ['\u0627a\u0627', 'mixes writing directions'],
    ['a'.repeat(1025), 'longer than 1024 bytes'],
    ['\ufdfa'.repeat(300), 'longer than 1024 bytes'],
  ])('%j is refused', (text, refused) => {
    expect(normaliseLogin(text, LOWER)).toEqual({ refused });
  });

  it('is measured with the domain it gets', () => {
    expect(normaliseLogin('a'.repeat(1020), DEFAULT)).toEqual({ refused: 'longer than 1024 bytes' });
    expect(normaliseLogin('a'.repeat(1020), LOWER)).toMatchObject({ domain: '' });
  });

  it('is the same when prepared again', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.tuple(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.domain()).map(parts => parts.join('@')),
    );
    const rules = fc.constantFrom(LOWER, KEEP, DEFAULT, STRIP, STRIP_DEFAULT);
    fc.assert(
      fc.property(text, rules, (given, rule) => {
        const once = normaliseLogin(given, rule);
        if (!('refused' in once)) expect(normaliseLogin(once.login, rule)).toEqual(once);
      }),
      { numRuns: 3000 },
    );
  });

  it('is the same when prepared again, for every single character', () => {
    const moved: string[] = [];
    for (let point = 0; point <= 0x10ffff; point += 1) {
      const once = normaliseLogin(`x${String.fromCodePoint(point)}`, LOWER);
      if ('refused' in once) continue;
      const twice = normaliseLogin(once.login, LOWER);
      if ('refused' in twice || twice.login !== once.login) moved.push(point.toString(16));
    }
    expect(moved).toEqual([]);
  });
});

describe('a password', () => {
  it.each([
    ['ASCII as it is, spaces at the ends, too', ' pass  word ', ' pass  word '],
    ['other spaces as SPACE', 'a\u00a0b\u3000c', 'a b c'],
    ['letters composed', 'Ju\u0308rgen', 'J\u00fcrgen'],
    ['compatibility characters as they are', 'x\u00b2\uff21', 'x\u00b2\uff21'],
    ['case as it is', 'PaSs', 'PaSs'],
    ['what is prohibited left to the directory', 'a\tb', 'a\tb'],
  ])('is compared with %s', (_, text, prepared) => {
    expect(preparePassword(text)).toBe(prepared);
  });
});
