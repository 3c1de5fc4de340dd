import { describe, expect, it } from 'vitest';
import { canonicalSecret, idOfSecret, newSecret } from '../../../src/auth/app-passwords/secret-form.ts';
import fc from '../../support/fast-check.ts';

const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

describe('the form of an app password', () => {
  it('is seven groups of four characters that are not mistaken for each other', () => {
    const secret = newSecret();
    expect(secret).toMatch(/^([a-km-np-z2-9]{4}-){6}[a-km-np-z2-9]{4}$/);
    expect(newSecret()).not.toBe(secret);
    expect(canonicalSecret(secret)).toBe(secret);
  });

  it('is known however it is typed', () => {
    const secret = newSecret();
    for (const typed of [secret.toUpperCase(), secret.replaceAll('-', ''), ` ${secret.replaceAll('-', ' ')} `]) {
      expect(canonicalSecret(typed)).toBe(secret);
      expect(idOfSecret(canonicalSecret(typed) ?? '')).toBe(idOfSecret(secret));
    }
  });

  it('is not that of other passwords', () => {
    for (const other of ['', 'secret', 'abcd-efgh-ijkl', 'x'.repeat(28), `${newSecret()}a`, newSecret().slice(1)]) {
      expect(canonicalSecret(other)).toBeUndefined();
    }
  });

  it('of random characters of the same kind is met one time in 4,096', () => {
    const character = fc.constantFrom(...ALPHABET);
    const texts = fc.sample(fc.string({ unit: character, minLength: 28, maxLength: 28 }), 4096);
    expect(texts.filter(text => canonicalSecret(text) !== undefined).length).toBeLessThan(12);
  });

  it('is not that of itself with one slip of a finger, but for a few of thousands', () => {
    let taken = 0;
    for (let round = 0; round < 100; round += 1) {
      const secret = newSecret();
      const at = secret.search(/[a-z]/);
      const slip = secret.slice(0, at) + (secret[at] === 'a' ? 'b' : 'a') + secret.slice(at + 1);
      if (canonicalSecret(slip) !== undefined) taken += 1;
    }
    expect(taken).toBeLessThan(3);
  });
});
