import { describe, expect, it } from 'vitest';
import { fold } from '../../../src/store/search/fold.ts';

describe('what is equal', () => {
  it('is every character in both its cases', () => {
    const unequal: string[] = [];
    for (let code = 0; code < 0x20000; code += 1) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      const folded = fold(character);
      if (folded !== fold(character.toLowerCase()) || folded !== fold(character.toUpperCase())) unequal.push(character);
    }
    expect(unequal).toEqual([]);
  });

  it.each([
    ['Straße', 'STRASSE'],
    ['STRAẞE', 'strasse'],
    ['ﬁn', 'FIN'],
    ['κόσμος', 'ΚΌΣΜΟΣ'],
    ['é', 'e\u0301'],
    ['Ａ１', 'a1'],
    ['\u1112\u1161\u11ab', '한'],
  ])('is %s and %s', (one, two) => {
    expect(fold(one)).toBe(fold(two));
  });

  it('is not a letter with a mark and the letter, nor a syllable and its beginning', () => {
    expect(fold('é')).not.toBe(fold('e'));
    expect(fold('한')).not.toContain(fold('하'));
  });
});
