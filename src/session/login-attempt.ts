import { DecisionRecord, NO_RECORD } from '../auth/decision-record.ts';
import type { Principal } from '../auth/principal.ts';
import type { Credentials, Identities } from '../auth/sasl/mechanism.ts';
import { MailError } from '../mail/mail-error.ts';
import { ConnectionLost } from '../net/channel.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import type { LoginOutcome } from '../observe/audit.ts';
import type { Logger } from '../observe/log.ts';
import type { SessionEntry } from '../observe/session-registry.ts';
import { Cancelled, Malformed } from '../wire/malformed.ts';
import type { Admitted } from './gate.ts';
import type { LoginReport } from './login-report.ts';
import type { SessionServices, Settings } from './services.ts';

export interface LoginContext {
  readonly connection: ClientConnection;
  readonly entry: SessionEntry;
  readonly settings: Settings;
  readonly services: SessionServices;
  readonly log: Logger;
}

/** One login: through the gate, and whatever comes of it into the audit log and the metrics. @throws MailError */
export async function attemptLogin(credentials: Credentials, context: LoginContext): Promise<Admitted> {
  const begun = performance.now();
  const report: LoginReport = {};
  try {
    const admitted = await open(credentials, report, context);
    report.outcome = 'ok';
    return admitted;
  } catch (error) {
    report.outcome ??= outcomeOf(error);
    if (error instanceof Malformed) report.detail ??= error.message;
    // A client that is refused and stays must not take a place among the account's sessions.
    context.services.sessions.disown(context.entry);
    throw error;
  } finally {
    tell(credentials, report, report.outcome ?? 'error', performance.now() - begun, context);
  }
}

/** Of what is no MailError: those have told the report theirs. */
function outcomeOf(error: unknown): LoginOutcome {
  if (error instanceof ConnectionLost || error instanceof Cancelled) return 'aborted';
  return error instanceof Malformed ? 'malformed' : 'error';
}

/** A login refused before it was looked at, because the password came in clear. */
export function tellInsecure(mechanism: string, context: LoginContext): void {
  tell({ mechanism, authorize: '', login: '' }, {}, 'insecure', 0, context);
}

async function open(credentials: Credentials, report: LoginReport, context: LoginContext): Promise<Admitted> {
  const { connection, settings, log } = context;
  const { client, local, listener, id, channel } = connection;
  const gone = new AbortController();
  const abort = (): void => gone.abort(new ConnectionLost('the client left'));
  channel.socket.once('close', abort);
  const record = log.level === 'debug' || log.level === 'trace' ? new DecisionRecord() : NO_RECORD;
  try {
    const request = {
      ...credentials,
      address: client.address,
      listener,
      secure: connection.tls !== undefined,
      session: id,
      client: { source: client, destination: local },
    };
    const admitted = await settings.gate.open(request, report, record, who => claim(who, context), gone.signal);
    if (!gone.signal.aborted) return admitted;
    await discard(admitted);
    throw new ConnectionLost('the client left');
  } catch (error) {
    // Whatever else went wrong because of it, that the client left comes first.
    if (gone.signal.aborted) throw gone.signal.reason;
    throw error;
  } finally {
    channel.socket.removeListener('close', abort);
    if (record.steps.length > 0) log.debug({ steps: record.steps }, 'login decided');
  }
}

/** Closes what nobody will use, or use any more. */
export async function discard(admitted: Admitted): Promise<void> {
  if (admitted.mode === 'relay') admitted.session.channel.destroy();
  else await admitted.store.close();
}

/** Counts the session as the principal's before anything is opened, so that logins at the same time cannot pass the limit together. */
function claim(principal: Principal, { services, settings, entry }: LoginContext): void {
  const { sessions, metrics } = services;
  sessions.identify(entry, principal);
  if (sessions.countByAccount(principal.account) <= settings.limits.per_login) return;
  metrics.limitsHit.inc({ limit: 'per_login' });
  throw new MailError('limit', `more than ${settings.limits.per_login} sessions of ${principal.login}`, {
    answer: 'Too many connections.',
  });
}

function tell(
  { mechanism, authorize, login }: Identities,
  report: LoginReport,
  outcome: LoginOutcome,
  milliseconds: number,
  { connection, entry, services }: LoginContext,
): void {
  const { tls, client, id, listener } = connection;
  const { audit, metrics } = services;
  audit.login({
    session: id,
    listener,
    address: client.address,
    port: client.port,
    tls: tls && { version: tls.version, cipher: tls.cipher, servername: tls.serverName },
    clientId: entry.clientId,
    mechanism,
    given: login,
    authorizeAs: authorize || undefined,
    ...report,
    outcome,
    milliseconds,
  });
  metrics.logins.inc({ outcome, mechanism, directory: report.directory ?? '' });
  metrics.loginSeconds.observe({ outcome }, milliseconds / 1000);
  const { upstream } = report;
  if (upstream !== undefined && (outcome === 'ok' || outcome.startsWith('upstream-'))) {
    metrics.upstreamLogins.inc({ upstream, outcome: outcome.replace('upstream-', '') });
  }
}
