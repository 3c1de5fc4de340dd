import type { AccountTrouble } from '../directory.ts';
import type { LdapEntry } from '../ldap/response.ts';

/** What `troubleOfEntry` looks at. */
export const STATE_ATTRIBUTES = [
  'userAccountControl',
  'msDS-User-Account-Control-Computed',
  'accountExpires',
  'pwdLastSet',
  'lockoutTime',
  'logonHours',
] as const;

/** Bits of userAccountControl (MS-ADTS §2.2.16); of the computed one only the last two mean anything (MS-ADTS §3.1.1.4.5.17). */
const DISABLED = 0x2;
const DONT_EXPIRE_PASSWORD = 0x1_0000;
const SMARTCARD_REQUIRED = 0x4_0000;
const LOCKED = 0x10;
const PASSWORD_EXPIRED = 0x80_0000;

/** Active Directory's own default: who is locked out is let in again after this. */
const USUAL_LOCKOUT_MS = 30 * 60_000;

/**
 * Why Active Directory would refuse whoever logs in as this entry now, as far as the entry says; attributes that are not there, because
 * the service account may not read them, say nothing. `userWorkstations` is left to the bind: which workstation we are is for the
 * domain controller to say.
 * @param now milliseconds since 1970
 */
export function troubleOfEntry(entry: LdapEntry, now: number): AccountTrouble | undefined {
  const control = numberIn(entry, 'useraccountcontrol') ?? 0;
  const computed = numberIn(entry, 'msds-user-account-control-computed');
  if (control & DISABLED) return 'disabled';
  if (isPast(entry, now)) return 'account-expired';
  if (computed === undefined ? lockedLately(entry, now) : computed & LOCKED) return 'locked';
  if (!isWithinHours(entry.attributes.get('logonhours')?.[0], now)) return 'hours';
  const neverExpires = (control & (DONT_EXPIRE_PASSWORD | SMARTCARD_REQUIRED)) !== 0;
  const mustChange = textIn(entry, 'pwdlastset') === '0';
  const expired = computed === undefined ? mustChange && !neverExpires : (computed & PASSWORD_EXPIRED) !== 0;
  if (expired) return mustChange ? 'must-change' : 'password-expired';
  return undefined;
}

/** `logonHours` (MS-ADTS §3.1.1.3, [MS-SAMR] §2.2.6.5): a bit for each hour of the week from Sunday 0:00 UTC, lowest first. */
function isWithinHours(hours: Buffer | undefined, now: number): boolean {
  if (hours?.length !== 21) return true;
  const date = new Date(now);
  const hour = date.getUTCDay() * 24 + date.getUTCHours();
  return ((hours[hour >> 3] ?? 0) & (1 << (hour & 7))) !== 0;
}

/** 0 and the largest number mean never. */
function isPast(entry: LdapEntry, now: number): boolean {
  const expires = timeIn(entry, 'accountexpires');
  return expires !== undefined && expires <= now;
}

/** Without the computed attribute nobody says how long a lock holds; `lockoutTime` stays until the next login. */
function lockedLately(entry: LdapEntry, now: number): boolean {
  const since = timeIn(entry, 'lockouttime');
  return since !== undefined && now - since < USUAL_LOCKOUT_MS;
}

/** Of a FILETIME (MS-DTYP §2.3.3: tenths of microseconds since 1601), milliseconds since 1970; undefined for 0 and "never". */
function timeIn(entry: LdapEntry, name: string): number | undefined {
  const text = textIn(entry, name);
  if (text === undefined || !/^\d{1,19}$/.test(text) || text === '0' || text === '9223372036854775807')
    return undefined;
  return Number(BigInt(text) / 10_000n) - 11_644_473_600_000;
}

function numberIn(entry: LdapEntry, name: string): number | undefined {
  const text = textIn(entry, name);
  return text !== undefined && /^-?\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function textIn({ attributes }: LdapEntry, name: string): string | undefined {
  return attributes.get(name)?.[0]?.toString('latin1');
}
