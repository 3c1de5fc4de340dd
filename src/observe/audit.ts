import { printable } from './printable.ts';

/**
 * How a login attempt ended.
 * - `ok`
 * - told apart here and in metrics, never to the client: `unknown-user`, `bad-password`, `refused` (locked, expired),
 *   `known-wrong` (the same wrong password again) and `over-budget` (beyond `authentication.shield.budget`): both refused without asking
 *   the directory,
 *   `malformed` (a name or message that cannot be one)
 * - `not-authorized`: lacks the required groups
 * - `no-route`: no rule, or one that refuses
 * - `ambiguous`: several entries for one name
 * - `unavailable`, `untrusted`, `misconfigured`: the directory did not answer, its TLS could not be verified, its answer makes no sense
 * - `upstream-unavailable`, `upstream-untrusted`: the same of the mail server
 * - `upstream-refused`: the directory took the password, the mail server did not
 * - `limit`: too many sessions of the account
 * - `throttled`: held back after too many failures
 * - `insecure`: a password offered before TLS
 * - `aborted`: cancelled by the client, or gone
 * - `error`: a bug; the log has its stack under the session's id
 */
export type LoginOutcome =
  | 'ok'
  | 'unknown-user'
  | 'bad-password'
  | 'known-wrong'
  | 'over-budget'
  | 'refused'
  | 'malformed'
  | 'not-authorized'
  | 'no-route'
  | 'ambiguous'
  | 'unavailable'
  | 'untrusted'
  | 'misconfigured'
  | 'upstream-unavailable'
  | 'upstream-untrusted'
  | 'upstream-refused'
  | 'limit'
  | 'throttled'
  | 'insecure'
  | 'aborted'
  | 'error';

/** One login attempt, ended. Anything of the client's may be handed in raw: it is cut and made printable here. */
export interface LoginEvent {
  /** The session's id, as on every line of the log. */
  readonly session: string;
  /** Name of the listener. */
  readonly listener: string;
  /** Of the client, after the PROXY header. */
  readonly address: string;
  readonly port: number;
  /** Absent when the connection is in clear. */
  readonly tls?:
    | { readonly version: string; readonly cipher?: string | undefined; readonly servername?: string | undefined }
    | undefined;
  /** What the client said it is (ID command): name and version. */
  readonly clientId?: string | undefined;
  /** SASL mechanism, or "LOGIN command". */
  readonly mechanism: string;
  /** The login as the client gave it. */
  readonly given: string;
  /** The login after normalisation. */
  readonly login?: string | undefined;
  /** Whom the client asked to be, if not itself (SASL authorization identity). */
  readonly authorizeAs?: string | undefined;
  /** AccountId, once known. */
  readonly account?: string | undefined;
  /** Name of the directory that decided. */
  readonly directory?: string | undefined;
  /** "host:port" of its server that proved the password just now; where one refused, the detail names it. */
  readonly directoryServer?: string | undefined;
  readonly outcome: LoginOutcome;
  /** The true reason, for the administrator. */
  readonly detail?: string | undefined;
  /** What vouched: the directory now, the result cache, the cache during an outage of the directory, or an app password. */
  readonly proof?: 'directory' | 'cache' | 'outage' | 'app-password' | undefined;
  /** Id and name of that app password. */
  readonly appPassword?: string | undefined;
  /** Index of the routing rule that matched. */
  readonly rule?: number | undefined;
  readonly upstream?: string | undefined;
  /** "host:port" of the mail server that was reached. */
  readonly server?: string | undefined;
  /** Name used to log in there. */
  readonly upstreamLogin?: string | undefined;
  /** From the complete command to the answer. */
  readonly milliseconds: number;
}

/** Things a security officer wants to find without reading logins. */
export type SecurityEvent =
  | 'starttls-injection'
  | 'proxy-refused'
  | 'throttled'
  | 'password-spraying'
  | 'credential-stuffing'
  | 'new-network'
  | 'limit'
  | 'plaintext-refused'
  | 'unauthenticate-refused'
  | 'session-kicked'
  | 'session-revoked'
  | 'login-revoked'
  | 'trace-on'
  | 'trace-off'
  | 'reload'
  | 'certificate-expiring';

export type AuditFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Done by the administrator. */
const ROUTINE: ReadonlySet<SecurityEvent> = new Set([
  'session-kicked',
  'login-revoked',
  'trace-on',
  'trace-off',
  'reload',
]);

const MOST_NAME = 256;
const MOST_DETAIL = 1024;

/**
 * One JSON line for each login attempt and security event, whatever the level of the log. Lines are told from others in the same
 * file by their key `audit`: "login" or the event's name.
 */
export class AuditLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;

  /** @param write takes one line with its line end */
  constructor(write: (line: string) => void, now: () => number = Date.now) {
    this.#write = write;
    this.#now = now;
  }

  login(event: LoginEvent): void {
    const { tls, milliseconds, outcome, ...rest } = event;
    this.#line(outcome === 'ok' ? 'info' : 'warn', 'login', {
      ...rest,
      tls: tls?.version,
      cipher: tls?.cipher,
      servername: tls?.servername,
      outcome,
      milliseconds: Math.round(milliseconds * 10) / 10,
      msg: outcome === 'ok' ? 'login' : 'login refused',
    });
  }

  event(kind: SecurityEvent, fields: AuditFields): void {
    this.#line(ROUTINE.has(kind) ? 'info' : 'warn', kind, { ...fields, msg: fields.msg ?? kind });
  }

  #line(level: string, audit: string, fields: AuditFields): void {
    const line: Record<string, unknown> = { level, time: new Date(this.#now()).toISOString(), audit };
    for (const [name, value] of Object.entries(fields)) {
      line[name] = typeof value === 'string' ? printable(value, name === 'detail' ? MOST_DETAIL : MOST_NAME) : value;
    }
    this.#write(`${JSON.stringify(line)}\n`);
  }
}
