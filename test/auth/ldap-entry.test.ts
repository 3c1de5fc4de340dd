import { describe, expect, it } from 'vitest';
import type { AuthError } from '../../src/auth/directory.ts';
import { type AttributeNames, attributesToRead, joinRanges, rangedNames, userOf } from '../../src/auth/ldap/entry.ts';
import type { LdapEntry } from '../../src/auth/ldap/response.ts';

const NAMES: AttributeNames = {
  id: 'entryUUID',
  login: 'uid',
  mail: 'mail',
  host: 'mailHost',
  groups: 'memberOf',
  quota: 'mailQuota',
  extra: ['Department', 'MAIL'],
};

function entry(attributes: Record<string, readonly (string | Buffer)[]>): LdapEntry {
  return {
    dn: 'uid=alice,ou=people',
    attributes: new Map(
      Object.entries(attributes).map(([name, values]) => [name.toLowerCase(), values.map(value => Buffer.from(value))]),
    ),
  };
}

const user = (attributes: Record<string, readonly (string | Buffer)[]>, names: Partial<AttributeNames> = {}) =>
  userOf('corp', entry(attributes), { ...NAMES, ...names }, 'typed');

describe('an entry', () => {
  it('is asked for by the name of each attribute, once', () => {
    expect(
      attributesToRead(NAMES)
        .map(name => name.toLowerCase())
        .sort(),
    ).toEqual(['department', 'entryuuid', 'mail', 'mailhost', 'mailquota', 'memberof', 'uid'].sort());
  });

  it('shows its SCRAM verifiers to nobody who does not ask for them', () => {
    const keys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map(key => key.toString('base64')).join(':');
    const authPassword = ['MD5$c2FsdA==$aGFzaA==', `SCRAM-SHA-256$4096:c2FsdA==$${keys}`];
    const names = { scram: 'authPassword' };
    const found = user({ entryUUID: ['1'], uid: ['alice'], authPassword }, names);
    expect(found.scram?.of('sha256')).toMatchObject([{ iterations: 4096, storedKey: Buffer.alloc(32, 1) }]);
    expect(found.scram?.of('sha1')).toEqual([]);
    expect(found.attributes.has('authpassword')).toBe(false);
    expect(JSON.stringify(found)).not.toContain(keys);
    expect(attributesToRead({ ...NAMES, ...names })).toContain('authPassword');
    expect(user({ entryUUID: ['1'], uid: ['alice'] }, names)).not.toHaveProperty('scram');
  });

  it('becomes a user', () => {
    const found = user({
      entryUUID: ['6D0F1D52-6B1A-103F-8E4F-4F9A0C0C0C0C'],
      uid: ['Alice', 'al'],
      mail: ['alice@example.org', 'al@example.org'],
      mailHost: [],
      memberOf: ['cn=a,ou=g', 'cn=b,ou=g'],
      department: ['Sales'],
      photo: [Buffer.from([0xff, 0xd8])],
    });
    expect(found).toMatchObject({
      directory: 'corp',
      id: '6d0f1d52-6b1a-103f-8e4f-4f9a0c0c0c0c',
      name: 'Alice',
      mail: 'alice@example.org',
      host: undefined,
      groups: ['cn=a,ou=g', 'cn=b,ou=g'],
      entry: 'uid=alice,ou=people',
    });
    expect(Object.fromEntries(found.attributes)).toEqual({
      uid: ['Alice', 'al'],
      mail: ['alice@example.org', 'al@example.org'],
      department: ['Sales'],
      photo: ['/9g='],
    });
  });

  it('is called as it was asked for when it has no login attribute', () => {
    expect(user({ entryUUID: ['1'] }).name).toBe('typed');
  });

  it('has a binary objectGUID as text, its first fields turned round', () => {
    const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    expect(user({ objectGUID: [guid] }, { id: 'objectguid' }).id).toBe('33221100-5544-7766-8899-aabbccddeeff');
    // Sixteen letters are UTF-8 by chance.
    expect(user({ objectGUID: ['abcdefghijklmnop'] }, { id: 'objectGUID' }).id).toBe(
      '64636261-6665-6867-696a-6b6c6d6e6f70',
    );
  });

  it('may have any other id, text or bytes', () => {
    expect(user({ employeeNumber: ['A-17'] }, { id: 'employeeNumber' }).id).toBe('A-17');
    expect(user({ objectSid: [Buffer.from([1, 5, 0, 0])] }, { id: 'objectSid' }).id).toBe('01050000');
  });

  it.each([
    ['no id', {}],
    ['an empty id', { entryUUID: [''] }],
    ['no value of it', { entryUUID: [] }],
    ['two', { entryUUID: ['1', '2'] }],
  ])('with %s is a fault of the configuration', (_, attributes) => {
    expect(() => user(attributes)).toThrow(/entryUUID/);
    expect(() => user(attributes)).toThrow(
      expect.objectContaining({ kind: 'misconfigured' } satisfies Partial<AuthError>),
    );
  });
});

describe('an attribute that comes in parts', () => {
  const first = entry({ uid: ['alice'], memberOf: [], 'memberOf;range=0-1': ['a', 'b'] });
  const parts: Record<string, LdapEntry> = {
    'memberOf;range=2-*': entry({ 'memberOf;range=2-3': ['c', 'd'] }),
    'memberOf;range=4-*': entry({ 'memberOf;range=4-*': ['e'] }),
  };

  it('is read to its end', async () => {
    expect(rangedNames(first)).toEqual(['memberof']);
    const whole = await joinRanges(first, 'memberOf', async range => parts[range]);
    expect(whole.attributes.get('memberof')?.map(String)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect([...whole.attributes.keys()].sort()).toEqual(['memberof', 'uid']);
  });

  it('is whole when its first part is all', async () => {
    const only = entry({ 'memberOf;range=0-*': ['a'] });
    const whole = await joinRanges(only, 'memberOf', async () => expect.unreachable());
    expect(whole.attributes.get('memberof')?.map(String)).toEqual(['a']);
  });

  it('is not taken for whole when its rest cannot be read', async () => {
    for (const rest of [undefined, entry({}), entry({ memberOf: ['x'] })]) {
      await expect(joinRanges(first, 'memberOf', async () => rest)).rejects.toMatchObject({ kind: 'misconfigured' });
    }
  });

  it('does not go on for ever', async () => {
    await expect(joinRanges(first, 'memberOf', async () => first)).rejects.toMatchObject({ kind: 'misconfigured' });
  });
});
