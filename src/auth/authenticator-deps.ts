import type { AuthenticationConfig } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import type { AppPasswords } from './app-password.ts';
import type { Directory } from './directory.ts';
import type { IdentityStore } from './identity-store.ts';
import type { LoginOutcome } from './login-request.ts';
import type { Suspicion } from './suspicion.ts';

/** What an authenticator is handed. */
export interface AuthenticatorDeps {
  /** At least those that the configuration asks; they belong to whoever opened them. */
  readonly directories: ReadonlyMap<string, Directory>;
  readonly config: AuthenticationConfig;
  readonly log: Logger;
  /** Asked when the configuration has `app_passwords`. */
  readonly appPasswords?: AppPasswords | undefined;
  /** What is known of logins beyond this process; without it there is no shield. */
  readonly store?: IdentityStore | undefined;
  /** What must be the same for a proof that outlived a process: the configuration of a directory and of those asked before it. */
  readonly origin?: (directory: string) => string;
  /** Somebody was let in by what was proven so many milliseconds ago. */
  readonly onTrust?: (proof: 'cache' | 'outage', age: number) => void;
  /** Watches how attempts end. */
  readonly suspicion?: Suspicion | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  /** Resolves after so many milliseconds; rejects when aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Called once for every attempt that is decided. */
  readonly onOutcome?: (outcome: LoginOutcome) => void;
}
