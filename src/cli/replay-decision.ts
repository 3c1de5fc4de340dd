import type { Authenticator } from '../auth/authenticator.ts';
import { NO_RECORD } from '../auth/decision-record.ts';
import { AuthError } from '../auth/directory.ts';
import { isRefusal } from '../auth/directory-chain.ts';
import { GroupNames } from '../auth/group-names.ts';
import { splitLogin } from '../auth/login-name.ts';
import type { KnownUser } from '../auth/login-request.ts';
import type { Config } from '../config/schema.ts';
import { MailError } from '../mail/mail-error.ts';
import { listenerName } from '../net/listener.ts';
import { ListenerRouter } from '../server/listener-router.ts';
import { upstreamIdentity } from '../upstream/login.ts';
import type { LoginLine } from './audit-file.ts';

/**
 * What becomes of a login under another configuration: `same`; `moved`: another mail server, another name there, or another account, and so
 * another mailbox; `lost`: refused; `undecided`: a directory did not answer.
 */
export type Fate = 'same' | 'moved' | 'lost' | 'undecided';

export interface Judgement {
  readonly login: string;
  readonly listener: string;
  readonly fate: Fate;
  /** Where it went, and where it would go: "relay legacy as alice", "served". */
  readonly was: string;
  readonly becomes: string;
  /** Why it is lost or undecided, or what else changes. */
  readonly reason: string;
}

/** Judges recorded logins by a new configuration, without their passwords. */
export class Replay {
  readonly #config: Config;
  readonly #authenticator: Authenticator;
  readonly #router: ListenerRouter;
  readonly #confined: GroupNames;
  readonly #listeners: ReadonlySet<string>;

  constructor(config: Config, authenticator: Authenticator) {
    this.#config = config;
    this.#authenticator = authenticator;
    this.#router = new ListenerRouter(config);
    this.#confined = new GroupNames(config.authentication.app_passwords?.required_for.groups ?? []);
    this.#listeners = new Set(config.listeners.map(listenerName));
  }

  /** @param line of a login that succeeded */
  async judge(line: LoginLine, signal: AbortSignal): Promise<Judgement> {
    const about = { login: line.given, listener: line.listener, was: placeOf(line.upstream, line.upstreamLogin) };
    const lost = (reason: string): Judgement => ({ ...about, fate: 'lost', becomes: 'refused', reason });
    const barred = this.#barred(line);
    if (barred !== undefined) return lost(barred);
    let user: KnownUser;
    try {
      user = await this.#authenticator.lookup(line.given, NO_RECORD, signal);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      const silent = error.cause instanceof AuthError && !isRefusal(error.cause.kind);
      return silent ? { ...about, fate: 'undecided', becomes: '?', reason: error.message } : lost(error.message);
    }
    const unfit = this.#unfitPassword(line, user);
    if (unfit !== undefined) return lost(unfit);
    let becomes: string;
    try {
      const route = this.#router.route(user, { listener: line.listener }, NO_RECORD);
      if (route.mode === 'refuse') return lost(`refused by routes[${route.rule}]: ${route.text}`);
      if (route.mode === 'relay') {
        const login = this.#config.upstreams[route.upstream]?.login;
        if (login?.as === 'user' && line.proof === 'app-password') {
          return lost(`an app password opens nothing at upstream ${route.upstream} (login: user)`);
        }
        becomes = placeOf(route.upstream, login && upstreamIdentity(login, user, splitLogin(user.login), '').user);
      } else {
        becomes = placeOf(undefined, undefined);
      }
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return lost(error.message);
    }
    if (becomes !== about.was) return { ...about, fate: 'moved', becomes, reason: '' };
    if (line.account !== undefined && line.account !== user.account && line.upstream === undefined) {
      const reason = `other mailboxes: account ${user.account} (directory ${user.directory}) instead of ${line.account} (${line.directory ?? '?'})`;
      return { ...about, fate: 'moved', becomes, reason };
    }
    return { ...about, fate: 'same', becomes, reason: '' };
  }

  /** What keeps the client out before anybody asks who it is. */
  #barred({ listener, mechanism, tls }: LoginLine): string | undefined {
    const { mechanisms } = this.#config.authentication;
    if (!this.#listeners.has(listener)) return `there is no listener ${listener} any more`;
    const offered: readonly string[] = mechanism === 'LOGIN command' ? ['PLAIN', 'LOGIN'] : [mechanism];
    if (!mechanisms.some(name => offered.includes(name))) return `${mechanism} is not offered any more`;
    const { minimum } = this.#config.tls;
    return tls !== undefined && tls < minimum ? `${tls} is below tls.minimum` : undefined;
  }

  #unfitPassword({ proof }: LoginLine, user: KnownUser): string | undefined {
    if (proof === 'app-password') {
      return this.#config.authentication.app_passwords ? undefined : 'app passwords are not taken any more';
    }
    const group = this.#confined.find(user.groups);
    return group === undefined ? undefined : `an app password is required of members of ${group}`;
  }
}

function placeOf(upstream: string | undefined, login: string | undefined): string {
  if (upstream === undefined) return 'served';
  return login === undefined ? `relay ${upstream}` : `relay ${upstream} as ${login}`;
}
