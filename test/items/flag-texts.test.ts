import { describe, expect, it } from 'vitest';
import { FlagTexts } from '../../src/items/fetch/flag-texts.ts';
import { DELETED, keywordBit, SEEN } from '../../src/mail/flags.ts';

describe('flag lists', () => {
  it('follow the table of keywords, which each page brings anew', () => {
    const texts = new FlagTexts();
    const mask = SEEN + keywordBit(1);
    expect(texts.textOf(mask, ['a', 'b'], false)).toBe('FLAGS (\\Seen b)');
    expect(texts.textOf(mask, ['a', 'b'], true)).toBe('FLAGS (\\Seen b \\Recent)');
    expect(texts.textOf(mask, ['a', 'c'], false)).toBe('FLAGS (\\Seen c)');
    expect(texts.textOf(mask, ['a', 'c', 'd'], true)).toBe('FLAGS (\\Seen c \\Recent)');
    expect(texts.textOf(0, ['a'], false)).toBe('FLAGS ()');
    expect(texts.textOf(0, ['a'], true)).toBe('FLAGS (\\Recent)');
  });

  it('stay right beyond what is remembered', () => {
    const texts = new FlagTexts();
    const keywords = Array.from({ length: 20 }, (_, index) => `k${index}`);
    for (let mask = 0; mask < 20_000; mask += 1) texts.textOf(mask, keywords, false);
    expect(texts.textOf(DELETED + keywordBit(19), keywords, false)).toBe('FLAGS (\\Deleted k19)');
  });
});
