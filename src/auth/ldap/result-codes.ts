import { type AccountTrouble, AuthError } from '../directory.ts';
import type { BindAnswer } from './connection.ts';
import { ServerFailure } from './failure.ts';
import type { LdapResult } from './response.ts';

/** Result codes of RFC 4511 §4.1.9 and appendix A that decide something here. */
const CODE = {
  success: 0,
  operationsError: 1,
  protocolError: 2,
  timeLimitExceeded: 3,
  sizeLimitExceeded: 4,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  confidentialityRequired: 13,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  other: 80,
} as const;

/** The server is up and cannot serve now: another one may. */
const OUTAGE = new Set<number>([CODE.operationsError, CODE.timeLimitExceeded, CODE.busy, CODE.unavailable, CODE.other]);

/** The server wants another way of proving or protecting, for everybody. */
const WAY_REFUSED = new Set<number>([
  CODE.authMethodNotSupported,
  CODE.strongerAuthRequired,
  CODE.confidentialityRequired,
]);

const USER_REFUSED = new Set<number>([
  CODE.constraintViolation,
  CODE.inappropriateAuthentication,
  CODE.insufficientAccessRights,
  CODE.unwillingToPerform,
]);

/**
 * What Active Directory means by result 49: `data XXX` in its message. The others (525 no such user, 52e wrong password) are a wrong
 * password to us; Samba 4.17 never says 525.
 */
const AD_REFUSALS: ReadonlyMap<string, AccountTrouble> = new Map([
  ['530', 'hours'],
  ['531', 'workstation'],
  ['532', 'password-expired'],
  ['533', 'disabled'],
  ['701', 'account-expired'],
  ['773', 'must-change'],
  ['775', 'locked'],
]);

/** Errors of the password policy control (draft-behera-ldap-password-policy §6.2) that forbid the login. */
const POLICY_REFUSALS: ReadonlyMap<number, AccountTrouble> = new Map([
  [0, 'password-expired'],
  [1, 'locked'],
  [2, 'must-change'],
]);

const MEANING: Readonly<Record<AccountTrouble, string>> = {
  hours: 'not at this hour',
  workstation: 'not from this workstation',
  'password-expired': 'password expired',
  disabled: 'account disabled',
  'account-expired': 'account expired',
  'must-change': 'password must be changed',
  locked: 'account locked',
};

/** In words for the log. */
export function describeTrouble(trouble: AccountTrouble): string {
  return MEANING[trouble];
}

/** Judges a user's own bind. @throws AuthError about the user, or ServerFailure about the server */
export function judgeUserBind(answer: BindAnswer, dn: string, server: string): void {
  const { result } = answer;
  const { code } = result;
  const trouble = troubleIn(answer);
  if (code === CODE.success && trouble === undefined) return;
  const told = `${dn} at ${server}: ${describeResult(result)}`;
  if (trouble !== undefined && (code === CODE.success || code === CODE.invalidCredentials)) {
    // Servers look at a lock before they look at the password, and at everything else after it.
    const refusal = { trouble, passwordProven: code === CODE.success || trouble !== 'locked' };
    throw new AuthError('refused', `${told} (${MEANING[trouble]})`, undefined, refusal);
  }
  if (code === CODE.invalidCredentials) throw new AuthError('bad-password', told);
  if (code === CODE.noSuchObject || code === CODE.invalidDnSyntax) throw new AuthError('bad-password', told);
  if (USER_REFUSED.has(code)) throw new AuthError('refused', told);
  judgeServer(result, told);
}

/** Judges the bind of the service account. @throws ServerFailure: another server may know the account */
export function judgeServiceBind(answer: BindAnswer, dn: string, server: string): void {
  const { result } = answer;
  const trouble = troubleIn(answer);
  if (result.code === CODE.success && trouble === undefined) return;
  const told = `the service account ${dn} may not bind at ${server}: ${describeResult(result)}`;
  if (OUTAGE.has(result.code)) throw new ServerFailure('unavailable', told);
  if (WAY_REFUSED.has(result.code)) throw new ServerFailure('misconfigured', `${told}; ${MORE_PROTECTION}`);
  // Must-change binds succeed, and everything after them is refused: better said here than with each search.
  const hint = trouble === undefined ? '' : ` (${MEANING[trouble]})`;
  throw new ServerFailure('misconfigured', `${told}${hint}; check bind.dn and bind.password`);
}

const MORE_PROTECTION = 'the server wants more protection: use tls: implicit or starttls';

function troubleIn({ result, policyError }: BindAnswer): AccountTrouble | undefined {
  const byPolicy = policyError === undefined ? undefined : POLICY_REFUSALS.get(policyError);
  return byPolicy ?? AD_REFUSALS.get(adSubCode(result.message) ?? '');
}

/** Judges a search. "Size limit exceeded" is for the caller to judge. @throws AuthError, ServerFailure */
export function judgeSearch(result: LdapResult, base: string, server: string): void {
  const { code } = result;
  if (code === CODE.success || code === CODE.sizeLimitExceeded) return;
  const told = `searching ${base} at ${server}: ${describeResult(result)}`;
  switch (code) {
    case CODE.noSuchObject:
    case CODE.invalidDnSyntax:
      throw new AuthError('misconfigured', `${told}; check users.base, and that the service account may read it`);
    case CODE.referral:
      throw new AuthError('misconfigured', `${told}; the server does not hold users.base: name one that does`);
    case CODE.insufficientAccessRights:
      throw new AuthError('misconfigured', `${told}; let the service account search there`);
    case CODE.adminLimitExceeded:
      throw new AuthError('misconfigured', `${told}; are the attributes of users.filter indexed?`);
    default:
      judgeServer(result, told);
  }
}

/** Whether a result means "no such entry", of a search for one entry by its DN. */
export function saysNoSuchEntry({ code }: LdapResult): boolean {
  return code === CODE.noSuchObject || code === CODE.invalidDnSyntax;
}

/** Whether there may be more entries than were sent. */
export function saysMoreEntries({ code }: LdapResult): boolean {
  return code === CODE.sizeLimitExceeded;
}

function judgeServer(result: LdapResult, told: string): never {
  const { code, message } = result;
  // Active Directory's "operations error" for who is not bound: no outage, and no other server will do better.
  if (code === CODE.operationsError && /successful bind/i.test(message)) {
    throw new AuthError('misconfigured', `${told}; the server wants a service account: set bind`);
  }
  if (OUTAGE.has(code)) throw new ServerFailure('unavailable', told);
  if (WAY_REFUSED.has(code)) {
    throw new ServerFailure('misconfigured', `${told}; ${MORE_PROTECTION}`);
  }
  throw new AuthError('misconfigured', told);
}

function adSubCode(message: string): string | undefined {
  return /\bdata ([0-9a-f]+)/i.exec(message)?.[1]?.toLowerCase();
}

function describeResult({ code, message }: LdapResult): string {
  const name = Object.entries(CODE).find(([, value]) => value === code)?.[0] ?? 'unknown';
  // Some servers end their text with NUL.
  const text = message.replaceAll('\0', '').trim();
  return `result ${code} ${name}${text === '' ? '' : `, "${text}"`}`;
}
