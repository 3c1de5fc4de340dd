import type { MailErrorKind } from '../mail/mail-error.ts';
import type { AccountTrouble, AuthError } from './directory.ts';

/**
 * How much a client is told of why it is refused.
 * - `none`: nothing; every refusal is "authentication failed"
 * - `after-password`: what is the matter with the account, to whoever gave its right password
 * - `all`: that, and to anybody who names an account with trouble: it tells guessers which accounts exist
 */
export type Disclosure = 'none' | 'after-password' | 'all';

/** What a client is answered: a kind of MailError, and words of ours in place of the kind's. */
export interface Disclosed {
  readonly kind: MailErrorKind;
  readonly answer?: string;
}

const NOTHING: Disclosed = { kind: 'authentication-failed' };

/**
 * `[EXPIRED]` is about the password (RFC 5530 §3), which the user can change; all that needs somebody else is
 * `[CONTACTADMIN]`, and what passes by itself, so that clients keep the password and come again, `[UNAVAILABLE]`.
 */
const TELL: Readonly<Record<AccountTrouble, Disclosed>> = {
  'password-expired': { kind: 'expired' },
  'must-change': { kind: 'expired', answer: 'Your password must be changed before you can log in here.' },
  disabled: { kind: 'contact-admin', answer: 'Your account is disabled; please contact your administrator.' },
  'account-expired': { kind: 'contact-admin', answer: 'Your account has expired; please contact your administrator.' },
  locked: { kind: 'contact-admin', answer: 'Your account is locked; please contact your administrator.' },
  hours: { kind: 'unavailable', answer: 'You may not log in at this time of the day.' },
  workstation: { kind: 'contact-admin', answer: 'You may not log in here; please contact your administrator.' },
};

/** What may be said of a refusal under a policy. The log has the whole of it in any case. */
export function disclose(error: AuthError | undefined, policy: Disclosure): Disclosed {
  const refusal = error?.refusal;
  if (!refusal || policy === 'none' || (policy === 'after-password' && !refusal.passwordProven)) return NOTHING;
  return TELL[refusal.trouble];
}

/**
 * Whether a trouble that came up meanwhile ends the sessions of who is logged in. A lock does not: it is the work of whoever guesses
 * passwords, and would let them throw out the owner.
 */
export function endsSessions({ trouble }: { readonly trouble: AccountTrouble }): boolean {
  return trouble !== 'locked' && trouble !== 'workstation';
}
