import { describe, expect, it } from 'vitest';
import { dummyHash, hashPassword, parsePasswordHash, verifyPassword } from '../../../src/auth/static/password-hash.ts';

const SALT = 'c29tZXNhbHQ';
const HASH = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

describe('a hash made elsewhere', () => {
  it.each([
    // The reference implementation of Argon2, test.c.
    ['password', `$argon2id$v=19$m=65536,t=2,p=1$${SALT}$${HASH}`],
    // RFC 7914 §12, the third vector.
    [
      'pleaseletmein',
      '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw',
    ],
  ])('has the password %j and no other', async (password, text) => {
    const hash = parsePasswordHash(text);
    expect(await verifyPassword(hash, password)).toBe(true);
    expect(await verifyPassword(hash, `${password} `)).toBe(false);
  });
});

describe('a hash made here', () => {
  it.each([
    ['argon2id', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/],
    ['scrypt', /^\$scrypt\$ln=17,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/],
  ] as const)('with %s is read back', async (kind, form) => {
    const [text, other] = [await hashPassword('J\u00fcrgen', kind), await hashPassword('J\u00fcrgen', kind)];
    expect(text).toMatch(form);
    expect(other).not.toBe(text);
    expect(await verifyPassword(parsePasswordHash(text), 'J\u00fcrgen')).toBe(true);
    expect(await verifyPassword(parsePasswordHash(text), 'Jurgen')).toBe(false);
  });
});

describe('a hash that asks too much or makes no sense', () => {
  it.each([
    ['secret', /no password hash/],
    ['', /no password hash/],
    ['{SSHA}c2VjcmV0', /no password hash/],
    ['$2b$12$abcdefghijklmnopqrstuv', /no password hash/],
    [`$argon2i$v=19$m=65536,t=2,p=1$${SALT}$${HASH}`, /no password hash/],
    [`$argon2id$m=65536,t=2,p=1$${SALT}$${HASH}`, /v=19 only/],
    [`$argon2id$v=16$m=65536,t=2,p=1$${SALT}$${HASH}`, /v=19 only/],
    [`$argon2id$v=19$m=65536,t=2$${SALT}$${HASH}`, /needs the parameters m, t, p/],
    [`$argon2id$v=19$t=2,m=65536,p=1$${SALT}$${HASH}`, /needs the parameters m, t, p/],
    [`$argon2id$v=19$m=65536,t=2,p=1,keyid=x$${SALT}$${HASH}`, /needs the parameters/],
    [`$argon2id$v=19$m=-1,t=2,p=1$${SALT}$${HASH}`, /needs the parameters/],
    [`$argon2id$v=19$m=4194304,t=2,p=1$${SALT}$${HASH}`, /m must be from 8 to 262144/],
    [`$argon2id$v=19$m=262144,t=64,p=1$${SALT}$${HASH}`, /too long/],
    [`$argon2id$v=19$m=8,t=2,p=16$${SALT}$${HASH}`, /8 KiB of memory for each lane/],
    [`$argon2id$v=19$m=65536,t=0,p=1$${SALT}$${HASH}`, /t must be from 1 to 64/],
    [`$argon2id$v=19$m=65536,t=2,p=1$${SALT}`, /parameters, salt and hash/],
    [`$argon2id$v=19$m=65536,t=2,p=1$${SALT}$${HASH}$x`, /parameters, salt and hash/],
    [`$argon2id$v=19$m=65536,t=2,p=1$YQ$${HASH}`, /salt must have 8 to 64 bytes/],
    [`$argon2id$v=19$m=65536,t=2,p=1$${SALT}$YQ`, /hash must have 16 to 64 bytes/],
    [`$argon2id$v=19$m=65536,t=2,p=1$${SALT}$${HASH}==`, /not base64 without padding/],
    [`$scrypt$ln=30,r=8,p=1$${SALT}$${HASH}`, /ln must be from 1 to 20/],
    [`$scrypt$ln=20,r=8,p=1$${SALT}$${HASH}`, /bytes of memory/],
    [`$scrypt$ln=18,r=8,p=16$${SALT}$${HASH}`, /too long/],
    [`$scrypt$N=16,r=8,p=1$${SALT}$${HASH}`, /needs the parameters ln, r, p/],
  ])('%s is refused', (text, message) => {
    expect(() => parsePasswordHash(text)).toThrow(message);
  });

  it('is not told in full, as it may be copied into a ticket', () => {
    expect(() => parsePasswordHash(`$argon2id$v=19$m=9,t=2,p=1$${SALT}$@@@`)).toThrow(/^(?!.*c29t)/);
  });
});

describe('a dummy', () => {
  it('is as expensive as its model and has no password', async () => {
    const model = parsePasswordHash(`$scrypt$ln=4,r=2,p=3$${SALT}$${HASH}`);
    const dummy = dummyHash(model);
    expect(dummy).toMatchObject({ kind: 'scrypt', ln: 4, r: 2, p: 3 });
    expect(dummy.hash.length).toBe(model.hash.length);
    expect(await verifyPassword(dummy, 'secret')).toBe(false);
    expect(dummyHash(undefined)).toMatchObject({ kind: 'argon2id', memory: 19_456, passes: 2, lanes: 1 });
  });
});
