import type { DirectoryUser } from './principal.ts';

/** A login name taken apart: `alice@example.org` has both parts, `alice` has an empty domain. */
export interface LoginName {
  /** After normalisation. */
  readonly login: string;
  readonly local: string;
  readonly domain: string;
}

/**
 * Why a directory does not vouch for somebody.
 * - `unknown-user`: no entry; the only kind that lets the next directory be asked
 * - `bad-password`: there is an entry, and the directory refused the password
 * - `known-wrong`: the password was refused lately, so nobody was asked; `over-budget`: too many wrong ones were tried to ask about
 *   another. Said by the shield, never by a directory
 * - `throttled`: too many failures of its address; nobody was asked
 * - `refused`: there is an entry, and the directory refused the login for another reason (disabled, expired, locked)
 * - `ambiguous`: more than one entry: an error of the administrator, never a choice
 * - `unavailable`: no server answered in time
 * - `untrusted`: a server's TLS could not be verified; never treated as an outage
 * - `misconfigured`: the directory answered and the answer makes no sense: service bind refused, no such base, entry without id
 */
export type AuthErrorKind =
  | 'unknown-user'
  | 'bad-password'
  | 'known-wrong'
  | 'over-budget'
  | 'throttled'
  | 'refused'
  | 'ambiguous'
  | 'unavailable'
  | 'untrusted'
  | 'misconfigured';

/**
 * What is the matter with an account.
 * - `hours`, `workstation`: may log in, but not now, or not from here
 * - `must-change`: the password, which an administrator has set, must be changed before anything else
 */
export type AccountTrouble =
  | 'password-expired'
  | 'must-change'
  | 'disabled'
  | 'account-expired'
  | 'locked'
  | 'hours'
  | 'workstation';

/** What a directory knows of an account besides that it refuses it. */
export interface Refusal {
  readonly trouble: AccountTrouble;
  /** Whether the password was the right one: only then may the trouble be told to whoever gave it without telling a guesser. */
  readonly passwordProven: boolean;
}

export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly kind: AuthErrorKind;
  /** With `refused`, and with `bad-password` of an account that would be refused with the right one, where the directory says. */
  readonly refusal: Refusal | undefined;

  /** @param detail for the log and explain; holds no secret, is never sent to a client */
  constructor(kind: AuthErrorKind, detail: string, cause?: unknown, refusal?: Refusal) {
    super(detail, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.refusal = refusal;
  }
}

/** One server of a directory or upstream, for `status`, `/ready` and metrics. */
export interface ServerState {
  /** "host:port". */
  readonly server: string;
  readonly state: 'unknown' | 'up' | 'down';
  /** The last failure, when down. */
  readonly reason?: string;
}

/** Whoever knows users. Implementations pass `test/conformance/directory.ts`. */
export interface Directory {
  readonly name: string;
  /**
   * Proves a password. Never called with an empty one (implementations refuse it all the same).
   * `unknown-user` and `bad-password` take the same work, so that time does not tell them apart.
   * @throws AuthError
   */
  authenticate(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser>;
  /**
   * The same entry without a password; undefined when there is none.
   * @throws AuthError, but never `bad-password` or `unknown-user`; `refused` when the entry says that nobody may log in as it now
   */
  lookup(login: LoginName, signal: AbortSignal): Promise<DirectoryUser | undefined>;
  /** Every user, for `check --users`. @throws AuthError */
  list(signal: AbortSignal): AsyncIterable<DirectoryUser>;
  servers(): readonly ServerState[];
  close(): Promise<void>;
}
