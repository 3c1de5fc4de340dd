import type { LoginEvent, LoginOutcome } from '../observe/audit.ts';

/** What becomes known during one login attempt, for the audit log; written as it is found, whatever happens next. */
export type LoginReport = {
  -readonly [Key in keyof Pick<
    LoginEvent,
    | 'login'
    | 'account'
    | 'directory'
    | 'directoryServer'
    | 'detail'
    | 'proof'
    | 'appPassword'
    | 'rule'
    | 'upstream'
    | 'server'
    | 'upstreamLogin'
  >]?: LoginEvent[Key];
} & { outcome?: LoginOutcome };
