import { openAdDirectory } from '../auth/ad/directory.ts';
import { AppPasswordFolder } from '../auth/app-passwords/folder.ts';
import { Authenticator } from '../auth/authenticator.ts';
import type { Directory } from '../auth/directory.ts';
import type { IdentityStore } from '../auth/identity-store.ts';
import { openLdapDirectory } from '../auth/ldap/directory.ts';
import { splitLogin } from '../auth/login-name.ts';
import { login } from '../auth/sasl/login.ts';
import type { SaslMechanism } from '../auth/sasl/mechanism.ts';
import { plain } from '../auth/sasl/plain.ts';
import { scram } from '../auth/sasl/scram.ts';
import { openStaticDirectory } from '../auth/static/directory.ts';
import { Suspicion, type SuspicionReport } from '../auth/suspicion.ts';
import type { Config, DirectoryConfig, UpstreamConfig } from '../config/schema.ts';
import { listenerName } from '../net/listener.ts';
import type { ReadBuffers } from '../net/read-buffers.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import { Gate, type RelayTarget } from '../session/gate.ts';
import type { Settings } from '../session/services.ts';
import { dataPlaces } from '../store/data-places.ts';
import { upstreamIdentity } from '../upstream/login.ts';
import { Upstream } from '../upstream/upstream.ts';
import { UpstreamError } from '../upstream/upstream-error.ts';
import { carryOver, type Kept, things } from './kept.ts';
import { ListenerRouter } from './listener-router.ts';
import { type Serving, servedStore } from './serving.ts';

/** Everything that follows from one version of the configuration. */
export interface Composition {
  readonly config: Config;
  readonly directories: ReadonlyMap<string, Kept<DirectoryConfig, Directory>>;
  readonly upstreams: ReadonlyMap<string, Kept<UpstreamConfig, Upstream>>;
  readonly authenticator: Authenticator;
  readonly settings: Settings;
}

export interface CompositionDeps {
  readonly log: Logger;
  readonly buffers: ReadBuffers;
  /** What is known of logins for longer than one configuration. */
  readonly store: IdentityStore;
  readonly metrics: Pick<Metrics, 'trustedAge'>;
  /** Told of what looks like an attack, and whom else to tell. */
  readonly onSuspicion: (report: SuspicionReport, target: Config['authentication']['on_suspicion']) => void;
  /** What serves mailboxes, once a route leads there. */
  readonly serving: () => Pick<Serving, 'serve'> | undefined;
}

const MECHANISMS: Readonly<Record<Config['authentication']['mechanisms'][number], SaslMechanism>> = {
  PLAIN: plain,
  LOGIN: login,
  'SCRAM-SHA-256': scram('sha256', { plus: false }),
  'SCRAM-SHA-256-PLUS': scram('sha256', { plus: true }),
  'SCRAM-SHA-1': scram('sha1', { plus: false }),
  'SCRAM-SHA-1-PLUS': scram('sha1', { plus: true }),
};

/**
 * Composes what a configuration describes. With a predecessor, directories and upstreams whose configuration has not changed are
 * carried over with their connections, and what is known of proven logins and of guessers with them.
 * @returns the composition; a function that closes what only the predecessor used, and one that closes what only this one would
 * have used, for when it is not put into force after all
 */
export function compose(
  config: Config,
  deps: CompositionDeps,
  before?: Composition,
): { composition: Composition; closeDropped: () => Promise<void>; closeOpened: () => Promise<void> } {
  const directories = carryOver(config.directories, before?.directories ?? new Map(), (name, part) =>
    openDirectory(name, part, deps.log),
  );
  const upstreams = carryOver(config.upstreams, before?.upstreams ?? new Map(), (name, part) =>
    openUpstream(name, part, deps),
  );
  const authenticatorDeps = {
    directories: things(directories.now),
    config: config.authentication,
    log: deps.log,
    store: deps.store,
    suspicion: suspicionOf(config, deps),
    origin: (name: string) => originOf(name, config),
    onTrust: (proof: 'cache' | 'outage', age: number) => deps.metrics.trustedAge.observe({ proof }, age / 1000),
    appPasswords: new AppPasswordFolder(dataPlaces(config.server.data).appPasswords, deps.log),
  };
  const authenticator = before
    ? Authenticator.from(before.authenticator, authenticatorDeps)
    : new Authenticator(authenticatorDeps);
  const composition = {
    config,
    directories: directories.now,
    upstreams: upstreams.now,
    authenticator,
    settings: settingsOf(config, authenticator, things(upstreams.now), deps),
  };
  const closeAll = async (ups: readonly Upstream[], dirs: readonly Directory[]): Promise<void> => {
    for (const upstream of ups) upstream.close();
    await Promise.allSettled(dirs.map(directory => directory.close()));
  };
  // Not awaited: a server that does not answer now is probed until it does.
  for (const upstream of upstreams.opened) void upstream.start();
  return {
    composition,
    closeDropped: () => closeAll(upstreams.dropped, directories.dropped),
    closeOpened: () => closeAll(upstreams.opened, directories.opened),
  };
}

export async function closeComposition({ authenticator, directories, upstreams }: Composition): Promise<void> {
  authenticator.close();
  for (const { thing } of upstreams.values()) thing.close();
  await Promise.allSettled([...directories.values()].map(({ thing }) => thing.close()));
}

function suspicionOf({ authentication }: Config, { store, onSuspicion }: CompositionDeps): Suspicion {
  const { suspicion, on_suspicion: target, throttle } = authentication;
  return new Suspicion(store, suspicion, throttle.exempt, report => onSuspicion(report, target));
}

/** What a proof rests on: another user may be meant once this has changed. Holds secrets; only a keyed hash of it is kept. */
function originOf(name: string, { authentication, directories }: Config): string {
  const { directories: order, login } = authentication;
  const asked = order.slice(0, order.indexOf(name) + 1);
  return JSON.stringify([login, asked.map(each => [each, directories[each]])]);
}

/** Opens one directory of the configuration. */
export function openDirectory(name: string, config: DirectoryConfig, log: Logger): Directory {
  switch (config.kind) {
    case 'static':
      return openStaticDirectory(name, config, { log });
    case 'ad':
      return openAdDirectory(name, config, { log });
    default:
      return openLdapDirectory(name, config, { log });
  }
}

function openUpstream(name: string, config: UpstreamConfig, { log, buffers }: CompositionDeps): Upstream {
  const about = log.child({ upstream: name });
  return new Upstream(name, config, { buffers, onServerChange: tellServerChange(about) });
}

function tellServerChange(log: Logger) {
  return (server: string, up: boolean, reason: string | undefined): void => {
    if (up) log.info({ server }, 'server is back');
    else log.warn({ server, reason }, 'server failed; it is passed over until it answers again');
  };
}

function settingsOf(
  config: Config,
  authenticator: Authenticator,
  upstreams: ReadonlyMap<string, Upstream>,
  { serving }: CompositionDeps,
): Settings {
  const reachable = reachableUpstreams(config, upstreams);
  return {
    serverName: config.server.name,
    limits: config.limits,
    mechanisms: config.authentication.mechanisms.map(name => MECHANISMS[name]),
    mechanismsAt: new Map(
      config.listeners.flatMap(listener =>
        listener.mechanisms ? [[listenerName(listener), listener.mechanisms.map(name => MECHANISMS[name])]] : [],
      ),
    ),
    upstreamLiterals: () => commonLiterals(reachable, servedStore(config) !== undefined),
    gate: new Gate({
      authenticator,
      router: new ListenerRouter(config),
      upstream: name => relayTarget(upstreams.get(name), config.upstreams[name]),
      asUpstreamError: error => (error instanceof UpstreamError ? error : undefined),
      async serve({ mounts: [mount] }, principal) {
        const store = mount && config.stores[mount.store];
        const stores = serving();
        if (!store || !stores) throw new Error(`the store ${mount?.store} is not open`);
        return await stores.serve(principal, store);
      },
    }),
  };
}

function relayTarget(upstream: Upstream | undefined, config: UpstreamConfig | undefined): RelayTarget | undefined {
  if (!upstream || !config) return undefined;
  return {
    identity: (principal, password) => upstreamIdentity(config.login, principal, splitLogin(principal.login), password),
    open: (request, signal) => upstream.open(request, signal),
  };
}

function reachableUpstreams(config: Config, upstreams: ReadonlyMap<string, Upstream>): readonly Upstream[] {
  const relays = config.routes.flatMap(({ relay }) => relay ?? []);
  if (relays.includes('{host}')) return [...upstreams.values()];
  return [...new Set(relays)].flatMap(name => upstreams.get(name) ?? []);
}

/**
 * What may be announced before login: bytes that a client pipelines behind its login reach the upstream unread, where a literal that
 * the upstream does not take at once would be read as commands.
 * @param serves whether somebody's login may lead to mailboxes of our own, where any literal is taken
 */
function commonLiterals(upstreams: readonly Upstream[], serves: boolean): 'LITERAL+' | 'LITERAL-' | undefined {
  const all = upstreams.map(upstream => upstream.literals());
  if ((all.length === 0 && !serves) || all.includes(undefined)) return undefined;
  return all.includes('LITERAL-') ? 'LITERAL-' : 'LITERAL+';
}
