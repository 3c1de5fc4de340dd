import { describe, expect, it } from 'vitest';
import { distinguishedNameKey, parseDistinguishedName } from '../../src/auth/distinguished-name.ts';
import { GroupNames } from '../../src/auth/group-names.ts';

const key = (text: string) => {
  const name = parseDistinguishedName(text);
  return name && distinguishedNameKey(name);
};

describe('a DN', () => {
  it.each([
    ['CN=Mail,OU=Groups,DC=example,DC=org', 'cn=mail, ou=groups , dc = example,dc=ORG'],
    ['cn=a\\, b,dc=x', 'CN=A\\2c B,DC=X'],
    ['cn=a\\+b,dc=x', 'cn=a\\2Bb,dc=x'],
    ['cn=J\\C3\\BCrgen,dc=x', 'cn=J\u00dcRGEN,dc=x'],
    ['cn=a  b,dc=x', 'cn= a b ,dc=x'],
    ['cn=a\\ ,dc=x', 'cn=a,dc=x'],
    ['cn=a+ou=b,dc=x', 'OU=B + CN=A,dc=x'],
    ['cn=a;dc=x', 'cn=a,dc=x'],
    ['2.5.4.3=a,dc=x', '2.5.4.3=A,dc=x'],
  ])('%s is %s', (one, other) => {
    expect(key(one)).toBeDefined();
    expect(key(one)).toBe(key(other));
  });

  it.each([
    ['cn=mail,dc=x', 'cn=mail,ou=x'],
    ['cn=mail,dc=x', 'cn=mail,dc=x,dc=org'],
    ['cn=a\\,dc\\=x', 'cn=a,dc=x'],
    ['cn=a\\+ou\\=b', 'cn=a+ou=b'],
    ['cn=ab', 'cn=a b'],
  ])('%s is not %s', (one, other) => expect(key(one)).not.toBe(key(other)));

  it.each(['', 'mail', 'cn=a,mail', '=a', 'c n=a', 'cn=a,,dc=x', '\\'])('%j is none', text => {
    expect(parseDistinguishedName(text)).toBeUndefined();
  });
});

describe('groups', () => {
  const groups = ['CN=Mail Users, OU=Groups, DC=example, DC=org', 'Staff', 'cn=x+ou=odd,dc=y'];

  it.each([
    ['cn=mail users,ou=groups,dc=example,dc=org', true],
    ['cn=mail users,ou=other,dc=example,dc=org', false],
    ['MAIL USERS', true],
    ['staff', true],
    ['cn=staff', false],
    ['groups', false],
    ['mail', false],
    ['odd', false],
    ['x', false],
    ['ou=odd+cn=x,dc=y', true],
  ])('%j is among them: %s', (name, found) => {
    expect(new GroupNames(['nobody', name]).find(groups)).toBe(found ? name : undefined);
  });

  it('are found by a plain name only where it is a CN', () => {
    expect(new GroupNames(['mail']).find(['ou=mail,dc=x', 'uid=mail,dc=x'])).toBeUndefined();
  });

  it('hold nobody when there are none', () => {
    expect(new GroupNames(['']).find([])).toBeUndefined();
    expect(new GroupNames([]).size).toBe(0);
  });
});
