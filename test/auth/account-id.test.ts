import { describe, expect, it } from 'vitest';
import { accountId } from '../../src/auth/account-id.ts';
import { isAccountId } from '../../src/mail/ids.ts';

describe('an account', () => {
  it('has the same id for ever', () => {
    // printf 'corp\0f81d4fae-7dec-11d0-a765-00a0c91e6bf6' | sha256sum | xxd -r -p | head -c 16 | base32
    expect(accountId('corp', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6')).toBe('saylh5jlhc477kkm734n5xg5oy');
  });

  it('belongs to one directory and one id', () => {
    const ids = [accountId('corp', '1'), accountId('corp', '2'), accountId('cor', 'p1'), accountId('lab', '1')];
    expect(new Set(ids).size).toBe(4);
    expect(ids.every(isAccountId)).toBe(true);
  });

  it('is not made without an id, or two users would share it', () => {
    expect(() => accountId('corp', '')).toThrow(/needs a directory and an id/);
    expect(() => accountId('', '1')).toThrow(/needs a directory and an id/);
    expect(() => accountId('a\0b', '1')).toThrow(/NUL/);
  });

  it.each(['', '../../etc/passwd', 'A'.repeat(26), 'a'.repeat(25), 'a'.repeat(27), `${'a'.repeat(25)}b`])(
    'is not %j',
    text => expect(isAccountId(text)).toBe(false),
  );
});
