import type { DecisionRecord } from '../auth/decision-record.ts';
import { AuthError } from '../auth/directory.ts';
import type { LoginRequest } from '../auth/login-request.ts';
import type { Principal } from '../auth/principal.ts';
import { MailError } from '../mail/mail-error.ts';
import type { Store } from '../mail/store.ts';
import type { LoginOutcome } from '../observe/audit.ts';
import type { Route } from '../route/route.ts';
import type { UpstreamIdentity } from '../upstream/login.ts';
import type { UpstreamRequest, UpstreamSession } from '../upstream/upstream.ts';
import type { UpstreamError } from '../upstream/upstream-error.ts';
import type { LoginReport } from './login-report.ts';

/** An upstream as the gate sees it. */
export interface RelayTarget {
  /** Who logs in there on behalf of a principal. */
  identity(principal: Principal, password: string): UpstreamIdentity;
  open(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamSession>;
}

export interface GateDeps {
  readonly authenticator: {
    authenticate(request: LoginRequest, record: DecisionRecord, signal: AbortSignal): Promise<Principal>;
  };
  readonly router: {
    route(principal: Principal, context: { listener: string }, record: DecisionRecord): Route;
  };
  readonly upstream: (name: string) => RelayTarget | undefined;
  readonly asUpstreamError: (error: unknown) => UpstreamError | undefined;
  /** Opens the mailboxes of a principal whom a route serves. @throws MailError */
  readonly serve: (route: ServeRoute, principal: Principal, signal: AbortSignal) => Promise<Store>;
}

export type ServeRoute = Extract<Route, { mode: 'serve' }>;

/** A login as a session brings it. */
export interface GateRequest extends LoginRequest {
  readonly authorize: string;
  readonly session: string;
  readonly client: UpstreamRequest['client'];
}

export interface AdmittedToRelay {
  readonly mode: 'relay';
  readonly principal: Principal;
  readonly upstream: string;
  readonly session: UpstreamSession;
}

export interface AdmittedToStore {
  readonly mode: 'serve';
  readonly principal: Principal;
  readonly store: Store;
}

/** What a login leads to. Whoever gets it closes it. */
export type Admitted = AdmittedToRelay | AdmittedToStore;

/** From a password to an open mailbox: who is it, where does their mail live, is that server there. */
export class Gate {
  readonly #deps: GateDeps;

  constructor(deps: GateDeps) {
    this.#deps = deps;
  }

  /**
   * @param claim called once the principal is known and before anything is opened for them; throws to refuse
   * @throws MailError; the report then has the outcome
   */
  async open(
    request: GateRequest,
    report: LoginReport,
    record: DecisionRecord,
    claim: (principal: Principal) => void,
    signal: AbortSignal,
  ): Promise<Admitted> {
    try {
      const learnt: GateRequest['learnt'] = what => void Object.assign(report, what);
      const principal = await this.#deps.authenticator.authenticate({ ...request, learnt }, record, signal);
      report.login = principal.login;
      report.account = principal.account;
      report.directory = principal.directory;
      report.proof = principal.proof;
      if (principal.proof === 'directory') report.directoryServer = principal.answeredBy;
      if (principal.appPassword) report.appPassword = `${principal.appPassword.id} (${principal.appPassword.name})`;
      if (request.authorize !== '' && !isSelf(request.authorize, principal, request.login)) {
        report.outcome = 'not-authorized';
        throw new MailError('authorization-failed', `may not act as ${request.authorize}`);
      }
      claim(principal);
      return await this.#openRoute(principal, request, report, record, signal);
    } catch (error) {
      if (error instanceof MailError) {
        report.outcome ??= outcomeOf(error);
        report.detail ??= error.message;
      }
      throw error;
    }
  }

  async #openRoute(
    principal: Principal,
    request: GateRequest,
    report: LoginReport,
    record: DecisionRecord,
    signal: AbortSignal,
  ): Promise<Admitted> {
    const route = this.#deps.router.route(principal, { listener: request.listener }, record);
    report.rule = route.rule;
    if (route.mode === 'refuse') {
      report.outcome = 'no-route';
      throw new MailError('contact-admin', `refused by route ${route.rule}`, { answer: route.text });
    }
    if (route.mode === 'serve') {
      return { mode: 'serve', principal, store: await this.#deps.serve(route, principal, signal) };
    }
    const target = this.#deps.upstream(route.upstream);
    if (!target) throw new Error(`route ${route.rule} names upstream ${route.upstream}, which is not there`);
    report.upstream = route.upstream;
    const { password = '' } = request;
    const identity = target.identity(principal, password);
    report.upstreamLogin = identity.user;
    if (identity.password === '') {
      report.outcome = 'not-authorized';
      const detail = `${request.mechanism} leaves no password for upstream ${route.upstream}, where users log in with their own (login: user)`;
      throw new MailError('authorization-failed', detail, { answer: PASSWORD_NEEDED });
    }
    if (principal.proof === 'app-password' && identity.password === password) {
      report.outcome = 'not-authorized';
      throw refuseAppPassword(route.upstream);
    }
    try {
      const session = await target.open({ identity, client: request.client, session: request.session }, signal);
      report.server = session.server;
      return { mode: 'relay', principal, upstream: route.upstream, session };
    } catch (error) {
      const failure = this.#deps.asUpstreamError(error);
      if (!failure) throw error;
      report.server = failure.server;
      report.outcome = UPSTREAM_OUTCOMES[failure.kind];
      const ownPassword = identity.password === password;
      throw new MailError(mailErrorKind(failure, ownPassword), failure.message, { cause: failure });
    }
  }
}

/** What an app password gets where the user's own one logs in at the mail server, which knows of no other. */
export function refuseAppPassword(upstream: string): MailError {
  const detail = `an app password opens nothing at upstream ${upstream}, where users log in with their own (login: user)`;
  const answer = 'App passwords do not work for this mailbox; please use your own password.';
  return new MailError('authorization-failed', detail, { answer });
}

const PASSWORD_NEEDED =
  'This way to log in does not work for this mailbox; please choose plain passwords (PLAIN or LOGIN) in your mail program.';

const UPSTREAM_OUTCOMES: Readonly<Record<UpstreamError['kind'], LoginOutcome>> = {
  unavailable: 'upstream-unavailable',
  untrusted: 'upstream-untrusted',
  misconfigured: 'upstream-unavailable',
  refused: 'upstream-refused',
};

/** A user whose own password the mail server refuses can try again; a master user's refusal is the administrator's to mend. */
function mailErrorKind({ kind }: UpstreamError, ownPassword: boolean): MailError['kind'] {
  if (kind !== 'refused') return 'unavailable';
  return ownPassword ? 'authentication-failed' : 'contact-admin';
}

function isSelf(authorize: string, principal: Principal, given: string): boolean {
  const wanted = authorize.toLowerCase();
  return [principal.login, principal.name, given].some(name => name.toLowerCase() === wanted);
}

function outcomeOf(error: MailError): LoginOutcome {
  if (error.cause instanceof AuthError) return error.cause.kind;
  switch (error.kind) {
    case 'authentication-failed':
      return 'malformed';
    case 'authorization-failed':
      return 'not-authorized';
    case 'contact-admin':
      return 'no-route';
    case 'limit':
      return 'limit';
    case 'privacy-required':
      return 'insecure';
    default:
      return 'unavailable';
  }
}
