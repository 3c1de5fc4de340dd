import { z } from 'zod';
import { AccountHolds } from './account-holds.ts';
import type {
  CopyIndexReport,
  LoginStateReport,
  ReloadReport,
  RevokeResult,
  SessionView,
  StatusReport,
  TraceResult,
} from './admin-reports.ts';
import type { AdminCommand, AdminRequest } from './admin-socket.ts';
import type { AuditLog } from './audit.ts';
import { printable } from './printable.ts';
import type { ProtocolTrace, TraceTarget } from './protocol-trace.ts';
import type { SessionEntry, SessionFilter, SessionRegistry } from './session-registry.ts';

export interface AdminCommandDependencies {
  readonly registry: SessionRegistry;
  readonly trace: ProtocolTrace;
  /** Where the trace's files are. */
  readonly traceDirectory: string;
  readonly audit: AuditLog;
  readonly status: () => StatusReport;
  readonly reload: () => Promise<ReloadReport>;
  /** Forgets what was proven of a login. @returns it as sessions have it, and the accounts that it led to, as far as known */
  readonly revoke: (login: string) => { readonly login: string; readonly accounts: readonly string[] };
  /** Copies an account's index to a new file below the data folder. @throws RangeError for an id that is none; MailError */
  readonly copyIndex?: (account: string) => Promise<string>;
  /**
   * Ends an account's sessions, keeps everybody out of it and closes its files, until the function that it resolves to is called.
   * @throws RangeError for an id that is none, or when sessions do not end; MailError
   */
  readonly hold?: (account: string) => Promise<() => void>;
  /** What is remembered of a login as it is typed, and from an address. */
  readonly loginState?: (login: string, address: string | undefined) => LoginStateReport;
  readonly now?: () => number;
}

const DEFAULT_TRACE_MS = 10 * 60_000;
const MOST_TRACE_MS = 24 * 60 * 60_000;
const REVOKED = 'Your access has been revoked.';
const DEFAULT_REASON = 'Disconnected by the administrator';

const filterKeys = {
  id: z.string().min(1).optional(),
  login: z.string().min(1).optional(),
  address: z.string().min(1).optional(),
  upstream: z.string().min(1).optional(),
  listener: z.string().min(1).optional(),
  phase: z.enum(['handshake', 'login', 'relay', 'serve', 'closing']).optional(),
  appPassword: z.string().min(1).optional(),
  olderThan: z.number().nonnegative().optional(),
};
const sessionsRequest = z.strictObject(filterKeys);
const kickRequest = z.strictObject({ ...filterKeys, reason: z.string().max(200).optional() });
const loginStateRequest = z.strictObject({
  login: z.string(),
  address: z.union([z.ipv4(), z.ipv6()]).optional(),
});
const revokeRequest = z.strictObject({ login: z.string().min(1).max(1024) });
const accountRequest = z.strictObject({ account: z.string() });
const traceRequest = z.strictObject({
  action: z.enum(['on', 'off', 'list']),
  login: z.string().min(1).optional(),
  address: z.string().min(1).optional(),
  for: z.number().positive().max(MOST_TRACE_MS, 'a trace lasts a day at most').optional(),
});

/** What can be asked of a running server, by the names in the `command` key of a request. */
export function adminCommands(deps: AdminCommandDependencies): Readonly<Record<string, AdminCommand>> {
  const now = deps.now ?? Date.now;
  const holds = new AccountHolds(deps.hold);
  return {
    /** Filter keys -> a `SessionView` for each; result `{ count }`. */
    async sessions(request, emit, signal) {
      const entries = deps.registry.list(check(sessionsRequest, request));
      for (const entry of entries) {
        signal.throwIfAborted();
        await emit(viewOf(entry, now()));
      }
      return { count: entries.length };
    },

    /** Filter keys (at least one) and `reason` -> `{ kicked }`. */
    async kick(request) {
      const { reason = DEFAULT_REASON, ...filter } = check(kickRequest, request);
      if (Object.keys(filter).length === 0) throw new RangeError('say which sessions: id, login, address ...');
      const kicked = deps.registry.kick(filter satisfies SessionFilter, oneLine(reason));
      deps.audit.event('session-kicked', { filter: JSON.stringify(filter), reason, kicked });
      return { kicked };
    },

    /** `login` and `address` -> `LoginStateReport`. */
    async 'login-state'(request) {
      const { login, address } = check(loginStateRequest, request);
      if (!deps.loginState) throw new RangeError('this server knows nothing of logins');
      return deps.loginState(login, address);
    },

    /** `login`, or an account -> `RevokeResult`: whoever it is has to be proven by a directory before they are in again. */
    async revoke(request) {
      const { login: given } = check(revokeRequest, request);
      const { login, accounts } = deps.revoke(given);
      const find = (name: string) => deps.registry.list({ login: name });
      const owners = [given, login].flatMap(find).flatMap(({ account }) => account ?? []);
      // Each once, by whichever name it was found.
      const theirs = new Set([given, login, ...accounts, ...owners].flatMap(find));
      for (const session of theirs) session.kick(REVOKED);
      const sessions = theirs.size;
      deps.audit.event('login-revoked', { login, sessions, accounts: accounts.join(' ') || undefined });
      return { login, sessions, accounts: [...accounts] } satisfies RevokeResult;
    },

    /** -> `StatusReport`. */
    async status() {
      return deps.status();
    },

    /** -> `ReloadReport`. */
    async reload() {
      const report = await deps.reload();
      deps.audit.event('reload', { ok: report.ok, msg: report.ok ? 'reload' : 'reload refused' });
      return report;
    },

    /** `account` -> `{ path }`: a copy of its index, to be taken away. */
    async 'copy-index'(request) {
      const { account } = check(accountRequest, request);
      if (!deps.copyIndex) throw new RangeError('this server keeps no mail');
      return { path: await deps.copyIndex(account) } satisfies CopyIndexReport;
    },

    /** `account` -> `{ held: true }` once nobody is in it, and again from time to time; ends with `release-account` or the connection. */
    async 'hold-account'(request, emit, signal) {
      const { account } = check(accountRequest, request);
      await holds.hold(account, emit, signal);
      return {};
    },

    /** `account` -> `{}`: it can be entered again. */
    async 'release-account'(request) {
      holds.release(check(accountRequest, request).account);
      return {};
    },

    /** `action` on, off or list; `login` or `address`; `for` in milliseconds -> a `TraceState` for each; `TraceResult`. */
    async trace(request, emit) {
      const { action, for: duration = DEFAULT_TRACE_MS, ...names } = check(traceRequest, request);
      const target = targetOf(names);
      let removed: number | undefined;
      if (action === 'on') {
        if (!target) throw new RangeError('say whom to trace: a login or an address');
        deps.trace.add(target, duration);
        deps.audit.event('trace-on', { ...names, seconds: duration / 1000 });
      } else if (action === 'off') {
        removed = deps.trace.remove(target);
        deps.audit.event('trace-off', { ...names, removed });
      }
      for (const state of deps.trace.list()) await emit(state);
      return { directory: deps.traceDirectory, ...(removed === undefined ? {} : { removed }) } satisfies TraceResult;
    },
  };
}

function viewOf(entry: SessionEntry, now: number): SessionView {
  const { id, login, account, address, port, listener, secure, phase, upstream, server, mailbox, clientId } = entry;
  return {
    id,
    login,
    account,
    address,
    port,
    listener,
    secure,
    phase,
    upstream,
    server,
    mailbox,
    clientId,
    since: new Date(entry.since).toISOString(),
    seconds: Math.max(0, Math.round((now - entry.since) / 1000)),
    bytesIn: entry.bytesIn,
    bytesOut: entry.bytesOut,
  };
}

function targetOf({ login, address }: { login?: string | undefined; address?: string | undefined }) {
  if (login !== undefined && address !== undefined) throw new RangeError('say either a login or an address');
  if (login !== undefined) return { login } satisfies TraceTarget;
  return address === undefined ? undefined : ({ address } satisfies TraceTarget);
}

/** @throws RangeError that says which key is wrong */
function check<T>(schema: z.ZodType<T>, request: AdminRequest): T {
  const { command: _command, ...keys } = request;
  const parsed = schema.safeParse(keys);
  if (parsed.success) return parsed.data;
  throw new RangeError(
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'request'}: ${message}`).join('; '),
  );
}

/** The reason is sent to clients as a text of the protocol (RFC 9051 §7.1): printable ASCII in one line. */
function oneLine(text: string): string {
  return printable(text).replace(/[^ -~]/g, '?');
}
