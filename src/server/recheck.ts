import type { Authenticator } from '../auth/authenticator.ts';
import type { Principal } from '../auth/principal.ts';
import type { AuditLog } from '../observe/audit.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionRegistry } from '../observe/session-registry.ts';

export interface RecheckDeps {
  readonly sessions: SessionRegistry;
  readonly audit: AuditLog;
  readonly log: Logger;
}

/** One lookup may take this long before the next login has its turn. */
const LOOKUP_MS = 10_000;

/**
 * Asks the directory again about everybody who is logged in, one login after the other, and ends the sessions of those it does
 * not have any more, or whose app password was revoked. An account has several logins, which may end one by one: a mail address that was taken away ends the
 * sessions opened by it and no others. A directory that does not answer ends nobody's session.
 */
export async function recheckSessions(
  authenticator: Authenticator,
  { sessions, audit, log }: RecheckDeps,
): Promise<void> {
  const principals = new Map(
    sessions
      .list()
      .filter(({ phase }) => phase === 'relay' || phase === 'serve')
      .flatMap(({ principal: who }) => (who ? [[keyOf(who), who]] : [])),
  );
  for (const principal of principals.values()) {
    try {
      if ((await authenticator.recheck(principal, AbortSignal.timeout(LOOKUP_MS))) === 'valid') continue;
    } catch (error) {
      log.warn({ err: error, login: principal.login }, 'could not recheck a session; it goes on');
      continue;
    }
    const ended = endSessions(sessions, principal);
    audit.event('session-revoked', { login: principal.login, account: principal.account, sessions: ended });
  }
}

/** @returns how many there were */
function endSessions(sessions: SessionRegistry, gone: Principal): number {
  const theirs = sessions
    .list({ login: gone.account })
    .filter(({ principal, phase }) => principal && keyOf(principal) === keyOf(gone) && phase !== 'closing');
  for (const session of theirs) session.kick('Your account may not use this service any more.');
  return theirs.length;
}

/** Sessions that stand and fall together: of one account by one login, and by one app password where that was the proof. */
function keyOf({ account, login, appPassword }: Principal): string {
  return `${account}\0${login}\0${appPassword?.id ?? ''}`;
}
