import type { Principal } from '../auth/principal.ts';
import { addressMatcher } from './address-match.ts';

export type SessionPhase = 'handshake' | 'login' | 'relay' | 'serve' | 'closing';

/** What is known when a connection is accepted. */
export interface SessionInfo {
  /** Unique while the process lives; on every line of the log. */
  readonly id: string;
  /** Name of the listener. */
  readonly listener: string;
  /** Of the client. */
  readonly address: string;
  readonly port: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** TLS version, or null while in clear. */
  readonly secure?: string | null;
  readonly phase?: SessionPhase;
  /** Ends the session; the reason is told to the client in a BYE, where there still can be one. Must not throw. */
  readonly kick: (reason: string) => void;
}

/**
 * One session. Its owner writes to it as things become known, `account` and `principal` through `SessionRegistry.identify` and
 * `disown` only.
 */
export class SessionEntry {
  readonly id: string;
  readonly listener: string;
  address: string;
  port: number;
  readonly since: number;
  secure: string | null;
  phase: SessionPhase;
  login: string | undefined = undefined;
  account: string | undefined = undefined;
  principal: Principal | undefined = undefined;
  upstream: string | undefined = undefined;
  server: string | undefined = undefined;
  /** The one that is selected, of a served session. */
  mailbox: string | undefined = undefined;
  clientId: string | undefined = undefined;
  /** From the client. */
  bytesIn = 0;
  /** To the client. */
  bytesOut = 0;
  readonly kick: (reason: string) => void;

  constructor(info: SessionInfo) {
    this.id = info.id;
    this.listener = info.listener;
    this.address = info.address;
    this.port = info.port;
    this.since = info.since;
    this.secure = info.secure ?? null;
    this.phase = info.phase ?? 'handshake';
    this.kick = info.kick;
  }
}

/** All given conditions must hold. */
export interface SessionFilter {
  readonly id?: string | undefined;
  /** The login in any case, or the account. */
  readonly login?: string | undefined;
  /** One address, or a network in CIDR form. */
  readonly address?: string | undefined;
  readonly upstream?: string | undefined;
  readonly listener?: string | undefined;
  readonly phase?: SessionPhase | undefined;
  /** Id of the app password that let it in. */
  readonly appPassword?: string | undefined;
  /** Milliseconds the session has lasted at least. */
  readonly olderThan?: number | undefined;
}

/** Every open session, in the order of their beginning. All operations but the listings are O(1). */
export class SessionRegistry {
  readonly #entries = new Map<string, SessionEntry>();
  readonly #perAccount = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws when the id is taken: ids must be unique, or a session could not be ended by its own */
  open(info: SessionInfo): SessionEntry {
    if (this.#entries.has(info.id)) throw new Error(`session id ${info.id} is taken`);
    const entry = new SessionEntry(info);
    this.#entries.set(entry.id, entry);
    return entry;
  }

  get(id: string): SessionEntry | undefined {
    return this.#entries.get(id);
  }

  /** Who the session belongs to, once proven. A session may be identified once more; closed ones are left alone. */
  identify(entry: SessionEntry, principal: Principal): void {
    if (this.#entries.get(entry.id) !== entry) return;
    this.#count(entry.account, -1);
    entry.login = principal.login;
    entry.account = principal.account;
    entry.principal = principal;
    this.#count(entry.account, 1);
  }

  /** The session is nobody's any more: its login was refused after all. */
  disown(entry: SessionEntry): void {
    if (this.#entries.get(entry.id) !== entry) return;
    this.#count(entry.account, -1);
    entry.login = undefined;
    entry.account = undefined;
    entry.principal = undefined;
  }

  /** Forgets the session; nothing when it is unknown. */
  close(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#count(entry.account, -1);
  }

  /** Identified sessions of an account. */
  countByAccount(account: string): number {
    return this.#perAccount.get(account) ?? 0;
  }

  /** How many sessions are in each phase. */
  phases(): Record<SessionPhase, number> {
    const phases: Record<SessionPhase, number> = { handshake: 0, login: 0, relay: 0, serve: 0, closing: 0 };
    for (const { phase } of this.#entries.values()) phases[phase] += 1;
    return phases;
  }

  /** @throws RangeError when the filter's address is none */
  list(filter: SessionFilter = {}): SessionEntry[] {
    const matches = sessionMatcher(filter, this.#now());
    if (filter.id !== undefined) {
      const entry = this.#entries.get(filter.id);
      return entry && matches(entry) ? [entry] : [];
    }
    return [...this.#entries.values()].filter(matches);
  }

  /** Ends every session that matches. @returns how many were told to end @throws RangeError when the filter's address is none */
  kick(filter: SessionFilter, reason: string): number {
    const chosen = this.list(filter).filter(({ phase }) => phase !== 'closing');
    for (const entry of chosen) entry.kick(reason);
    return chosen.length;
  }

  #count(account: string | undefined, change: 1 | -1): void {
    if (account === undefined) return;
    const count = (this.#perAccount.get(account) ?? 0) + change;
    if (count > 0) this.#perAccount.set(account, count);
    else this.#perAccount.delete(account);
  }
}

function sessionMatcher(filter: SessionFilter, now: number): (entry: SessionEntry) => boolean {
  const login = filter.login?.toLowerCase();
  const inNetwork = filter.address === undefined ? undefined : addressMatcher(filter.address);
  if (filter.address !== undefined && !inNetwork) {
    throw new RangeError(
      `"${filter.address}" is not an address or network; write 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32`,
    );
  }
  return entry =>
    (filter.id === undefined || entry.id === filter.id) &&
    (login === undefined || entry.login?.toLowerCase() === login || entry.account === filter.login) &&
    (inNetwork === undefined || inNetwork(entry.address)) &&
    (filter.upstream === undefined || entry.upstream === filter.upstream) &&
    (filter.listener === undefined || entry.listener === filter.listener) &&
    (filter.phase === undefined || entry.phase === filter.phase) &&
    (filter.appPassword === undefined || entry.principal?.appPassword?.id === filter.appPassword) &&
    (filter.olderThan === undefined || now - entry.since >= filter.olderThan);
}
