import { describe, expect, it } from 'vitest';
import { troubleOfEntry } from '../../src/auth/ad/account-state.ts';
import type { LdapEntry } from '../../src/auth/ldap/response.ts';
import fc from '../support/fast-check.ts';

/** A Wednesday, 13:30 UTC. */
const NOW = Date.UTC(2026, 10, 18, 13, 30);
const MINUTE = 60_000;

const fileTime = (milliseconds: number) => String((BigInt(milliseconds) + 11_644_473_600_000n) * 10_000n);
const entry = (attributes: Readonly<Record<string, string | Buffer>>): LdapEntry => ({
  dn: 'CN=a',
  attributes: new Map(Object.entries(attributes).map(([name, value]) => [name.toLowerCase(), [Buffer.from(value)]])),
});
const trouble = (attributes: Readonly<Record<string, string | Buffer>>, now = NOW) =>
  troubleOfEntry(entry(attributes), now);

const computed = 'msDS-User-Account-Control-Computed';
const well = { userAccountControl: '512', [computed]: '0', accountExpires: '9223372036854775807', pwdLastSet: '1' };

describe('what an entry says against logging in', () => {
  it.each<[string, Readonly<Record<string, string | Buffer>>, string | undefined]>([
    ['nothing, when all is well', well, undefined],
    ['nothing, when nothing can be read', {}, undefined],
    ['disabled', { ...well, userAccountControl: '514' }, 'disabled'],
    [
      'disabled before all else',
      { ...well, userAccountControl: '514', accountExpires: '1', [computed]: '16' },
      'disabled',
    ],
    ['never expires, as 0', { ...well, accountExpires: '0' }, undefined],
    ['expired a minute ago', { ...well, accountExpires: fileTime(NOW - MINUTE) }, 'account-expired'],
    ['expires in a minute', { ...well, accountExpires: fileTime(NOW + MINUTE) }, undefined],
    ['a time that is none', { ...well, accountExpires: 'soon' }, undefined],
    ['locked, as computed', { ...well, [computed]: '16' }, 'locked'],
    ['no longer locked, as computed', { ...well, lockoutTime: fileTime(NOW - MINUTE) }, undefined],
    ['locked lately, where nothing is computed', { lockoutTime: fileTime(NOW - MINUTE) }, 'locked'],
    ['locked long ago, where nothing is computed', { lockoutTime: fileTime(NOW - 31 * MINUTE) }, undefined],
    ['never locked', { lockoutTime: '0' }, undefined],
    ['expired password', { ...well, [computed]: '8388608' }, 'password-expired'],
    ['password to change', { ...well, [computed]: '8388608', pwdLastSet: '0' }, 'must-change'],
    ['password to change, where nothing is computed', { userAccountControl: '512', pwdLastSet: '0' }, 'must-change'],
    ['password that never expires', { userAccountControl: '66048', pwdLastSet: '0' }, undefined],
    ['no hours', { ...well, logonHours: Buffer.alloc(21) }, 'hours'],
    ['all hours', { ...well, logonHours: Buffer.alloc(21, 255) }, undefined],
    ['hours that are none', { ...well, logonHours: '' }, undefined],
  ])('%s', (_, attributes, expected) => {
    expect(trouble(attributes)).toBe(expected);
  });

  it('hours are those of UTC, from Sunday', () => {
    // Wednesday 13 to 14: hour 3 * 24 + 13 = 85 = bit 5 of byte 10.
    const hours = Buffer.alloc(21);
    hours[10] = 1 << 5;
    const at = (hour: number, minute: number) => trouble({ logonHours: hours }, Date.UTC(2026, 10, 18, hour, minute));
    expect([at(12, 59), at(13, 0), at(13, 59), at(14, 0)]).toEqual(['hours', undefined, undefined, 'hours']);
  });

  it('is said of no entry with an exception', () => {
    const value = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 30 }).map(bytes => Buffer.from(bytes)),
    );
    const names = ['userAccountControl', computed, 'accountExpires', 'lockoutTime', 'pwdLastSet', 'logonHours'];
    const any = fc.dictionary(fc.constantFrom(...names), value);
    fc.assert(fc.property(any, attributes => void trouble(attributes)));
  });
});
