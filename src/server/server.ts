import { join } from 'node:path';
import { IdentityStore } from '../auth/identity-store.ts';
import { ConfigError, type LoadedConfig, loadConfig } from '../config/load.ts';
import { describeChanges } from '../config/reload.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import { EXTENSIONS, Registry } from '../extensions/registry.ts';
import { renderStatus } from '../imap/status.ts';
import type { AccountId } from '../mail/ids.ts';
import type { Store } from '../mail/store.ts';
import { Admission } from '../net/admission.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import { ReadBuffers } from '../net/read-buffers.ts';
import { ServerTls } from '../net/server-tls.ts';
import { adminCommands } from '../observe/admin-commands.ts';
import { type AdminHttp, readinessOf, startAdminHttp } from '../observe/admin-http.ts';
import type { LoginStateReport, ReloadReport, StatusReport } from '../observe/admin-reports.ts';
import { type AdminSocket, listenAdminSocket } from '../observe/admin-socket.ts';
import { type Logs, openLog } from '../observe/log.ts';
import { createMetrics, type Metrics } from '../observe/metrics.ts';
import { type Eavesdropper, ProtocolTrace } from '../observe/protocol-trace.ts';
import { SessionRegistry } from '../observe/session-registry.ts';
import { Session } from '../session/session.ts';
import { dataPlaces } from '../store/data-places.ts';
import { decodeCharset } from '../store/search/charset.ts';
import { Alarm } from './alarm.ts';
import { type Composition, type CompositionDeps, closeComposition, compose } from './composition.ts';
import { missingDescriptors } from './descriptors.ts';
import { namedServers, updateGauges } from './gauges.ts';
import { LateServing } from './late-serving.ts';
import { listenerEvents } from './listener-events.ts';
import { Listening } from './listening.ts';
import { recheckSessions } from './recheck.ts';
import { servedStore } from './serving.ts';
import { VERSION } from './version.ts';

/** How long sessions told BYE get to close before the process ends without them. */
const LEAVE_MS = 3000;
/** How long sessions of an account that is to be repaired get to close. */
const HOLD_MS = 10_000;
/** A directory or upstream that a reload dropped may still have a login under way. */
const DROPPED_GRACE_MS = 60_000;

/** The running server: everything composed from a configuration, and kept in step with it. */
export class Server {
  readonly #env: NodeJS.ProcessEnv;
  readonly #logs: Logs;
  readonly #metrics: Metrics;
  readonly #sessions = new SessionRegistry();
  readonly #trace: ProtocolTrace;
  readonly #hearing: Eavesdropper | undefined;
  readonly #buffers = new ReadBuffers();
  readonly #identities: IdentityStore;
  readonly #alarm: Alarm;
  readonly #admission: Admission;
  readonly #tls: ServerTls;
  readonly #listening: Listening;
  readonly #started = Date.now();
  #loaded: LoadedConfig;
  #composition: Composition;
  readonly #serving: LateServing;
  #adminSocket: AdminSocket | undefined;
  #adminHttp: AdminHttp | undefined;
  #recheckTimer: NodeJS.Timeout | undefined;
  #reloading: Promise<ReloadReport> | undefined;
  #closed = false;

  /**
   * @param hearing hears what sessions say in place of `postern trace`
   * @throws when something that the configuration names cannot be opened; nothing stays open then
   */
  static async start(loaded: LoadedConfig, env: NodeJS.ProcessEnv, hearing?: Eavesdropper): Promise<Server> {
    const server = new Server(loaded, env, hearing);
    try {
      await server.#open();
      return server;
    } catch (error) {
      await server.#close();
      throw error;
    }
  }

  private constructor(loaded: LoadedConfig, env: NodeJS.ProcessEnv, hearing: Eavesdropper | undefined) {
    const { config } = loaded;
    this.#env = env;
    this.#loaded = loaded;
    this.#metrics = createMetrics();
    this.#logs = openLog(config.log, { onLost: lines => this.#metrics.logLost.inc(lines) });
    const { log, audit } = this.#logs;
    this.#trace = new ProtocolTrace({ directory: traceDirectory(config), log });
    this.#hearing = hearing;
    this.#tls = ServerTls.load(config.tls, { log });
    this.#admission = new Admission(config.limits);
    this.#serving = new LateServing({ log, metrics: this.#metrics });
    this.#alarm = new Alarm(audit, log);
    this.#identities = IdentityStore.open(dataPlaces(config.server.data).identity, log);
    this.#composition = compose(config, this.#parts).composition;
    this.#listening = new Listening({
      tls: this.#tls,
      admission: this.#admission,
      handshakeTimeout: () => this.#config.limits.handshake,
      events: listenerEvents(this.#metrics, audit, log),
      serve: (connection, listener) => this.#serve(connection, listener),
      refusalLine: reason =>
        renderStatus('*', {
          status: 'BYE',
          code: 'UNAVAILABLE',
          text: reason === 'draining' ? 'Shutting down.' : 'Too many connections.',
        }),
    });
  }

  /** Where clients can connect. */
  get listeners(): readonly { name: string; address: string }[] {
    return this.#listening.bound.map(({ name, address }) => ({ name, address }));
  }

  get adminHttp(): string | undefined {
    return this.#adminHttp?.address;
  }

  /** Opens the mailboxes of an account, as for a login of it. @throws MailError; Error when no route leads to a store */
  async openStore(account: AccountId): Promise<Store> {
    const store = servedStore(this.#config);
    const serving = this.#serving.now;
    if (!store || !serving) throw new Error('no route leads to a store');
    return await serving.openStore(account, store);
  }

  /** Applies the configuration file as it is now. An invalid one changes nothing. Calls while one is under way share it. */
  reload(): Promise<ReloadReport> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  /** An error that escaped everybody. Its stack is what the next release needs; all other sessions go on. */
  reportBug(error: unknown): void {
    this.#metrics.bugs.inc();
    this.#logs.log.error({ err: error }, 'an error escaped; please report it');
  }

  reopenLogs(): void {
    this.#logs.reopen();
  }

  /** Takes no new clients, lets those there are come to an end for a while, says BYE to the rest, and closes everything. */
  async drain(): Promise<void> {
    const { log } = this.#logs;
    this.#admission.draining = true;
    log.info({ sessions: this.#sessions.size }, 'draining');
    this.#sessions.kick({ phase: 'login' }, 'Shutting down.');
    await this.#untilNobody(this.#config.limits.drain);
    await this.#listening.close();
    this.#sessions.kick({}, 'Shutting down.');
    await this.#untilNobody(LEAVE_MS);
    await this.#close();
    log.info('stopped');
    await this.#logs.close();
  }

  get #parts(): CompositionDeps {
    const store = this.#identities;
    return {
      log: this.#logs.log,
      buffers: this.#buffers,
      store,
      metrics: this.#metrics,
      onSuspicion: this.#alarm.raise,
      serving: () => this.#serving.now,
    };
  }

  get #config(): Config {
    return this.#composition.config;
  }

  async #open(): Promise<void> {
    const { log, audit } = this.#logs;
    const config = this.#config;
    for (const { line, path, message } of this.#loaded.warnings)
      log.warn({ file: this.#loaded.file, line, path }, message);
    const missing = missingDescriptors(config.limits.connections);
    if (missing > 0) {
      log.warn(
        { missing },
        'too few file descriptors for limits.connections; raise LimitNOFILE (ulimit -n) or lower the limit',
      );
    }
    await this.#serving.follow(config);
    this.#metrics.beforeRender(() => updateGauges(this.#metrics, this.#composition, this.#tls.certificates()));
    this.#adminSocket = await listenAdminSocket(
      config.admin.socket,
      adminCommands({
        registry: this.#sessions,
        trace: this.#trace,
        traceDirectory: traceDirectory(config),
        audit,
        status: () => this.#status(),
        reload: () => this.reload(),
        revoke: login => this.#composition.authenticator.revoke(login),
        copyIndex: account => this.#serving.copyIndex(account),
        hold: account => this.#hold(account),
        loginState: (login, address) => this.#loginState(login, address),
      }),
      log,
    );
    if (config.admin.http) {
      this.#adminHttp = await startAdminHttp(config.admin.http, {
        readiness: () => this.#readiness(),
        metrics: this.#metrics,
        log,
      });
    }
    await this.#listening.apply(config.listeners);
    this.#tls.start();
    this.#scheduleRecheck();
  }

  async #serve(connection: ClientConnection, { tls }: ListenerConfig): Promise<void> {
    const session = new Session(
      connection,
      { startTls: tls === 'starttls', clear: tls === 'none' },
      {
        settings: () => this.#composition.settings,
        registry: REGISTRY,
        tls: this.#tls,
        sessions: this.#sessions,
        log: this.#logs.log,
        audit: this.#logs.audit,
        metrics: this.#metrics,
        trace: this.#hearing ?? this.#trace,
      },
    );
    await session.run();
  }

  async #reload(): Promise<ReloadReport> {
    const { log } = this.#logs;
    try {
      if (this.#admission.draining) throw new Error('the server is shutting down');
      const loaded = loadConfig(this.#loaded.file, this.#env);
      const changes = describeChanges(this.#config, loaded.config);
      await this.#apply(loaded);
      this.#metrics.configReloads.inc({ outcome: 'ok' });
      log.info(changes, 'configuration reloaded');
      return { ok: true, ...changes, warnings: [...loaded.warnings] };
    } catch (error) {
      this.#metrics.configReloads.inc({ outcome: 'refused' });
      log.error({ err: error }, 'configuration not reloaded; the old one stays in force');
      return { ok: false, problems: problemsOf(error, this.#loaded.file) };
    }
  }

  /** What can fail comes first, so that a failure leaves everything as it was. */
  async #apply(loaded: LoadedConfig): Promise<void> {
    const { config } = loaded;
    const before = this.#config;
    await this.#serving.follow(config);
    const { composition, closeDropped, closeOpened } = compose(config, this.#parts, this.#composition);
    const undo: (() => void)[] = [];
    try {
      this.#tls.replace(config.tls);
      undo.push(() => this.#tls.replace(before.tls));
      this.#logs.apply(config.log);
      undo.push(() => this.#logs.apply(before.log));
      await this.#listening.apply(config.listeners);
    } catch (error) {
      for (const step of undo) this.#revert(step);
      await closeOpened();
      throw error;
    }
    this.#admission.limits = config.limits;
    this.#composition = composition;
    this.#loaded = loaded;
    this.#scheduleRecheck();
    setTimeout(() => void closeDropped(), DROPPED_GRACE_MS).unref();
  }

  /** What held before holds again, unless its files are gone meanwhile: then the new one is better than none. */
  #revert(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#logs.log.error({ err: error }, 'a part of the old configuration cannot be put back into force');
    }
  }

  #scheduleRecheck(): void {
    clearTimeout(this.#recheckTimer);
    const every = this.#config.authentication.recheck;
    if (every === 0 || this.#closed) return;
    this.#recheckTimer = setTimeout(() => void this.#recheck(), every).unref();
  }

  async #recheck(): Promise<void> {
    const { log, audit } = this.#logs;
    try {
      await recheckSessions(this.#composition.authenticator, { sessions: this.#sessions, audit, log });
    } catch (error) {
      log.error({ err: error }, 'rechecking the sessions failed');
    }
    this.#scheduleRecheck();
  }

  async #hold(account: string): Promise<() => void> {
    const held = this.#serving.hold(account, AbortSignal.timeout(HOLD_MS));
    this.#sessions.kick(
      { login: account, phase: 'serve' },
      'Your mailboxes are being looked after; please try again later.',
    );
    return await held;
  }

  #readiness() {
    const directories = namedServers(this.#composition.directories);
    return readinessOf({
      listening: this.#listening.bound.length > 0,
      draining: this.#admission.draining,
      directories,
    });
  }

  #status(): StatusReport {
    const { rss, heapUsed, external } = process.memoryUsage();
    const sessions = this.#sessions.list();
    return {
      version: VERSION,
      pid: process.pid,
      uptime: Math.round((Date.now() - this.#started) / 1000),
      config: this.#loaded.file,
      draining: this.#admission.draining,
      listeners: this.#listening.bound.map(({ name, address, tls }) => ({
        name,
        address,
        tls,
        connections: sessions.filter(({ listener }) => listener === name).length,
      })),
      sessions: this.#sessions.phases(),
      directories: namedServers(this.#composition.directories),
      upstreams: namedServers(this.#composition.upstreams),
      certificates: this.#tls.certificates().map(({ file, names, notAfter, daysLeft }) => ({
        file,
        names: [...names],
        notAfter: notAfter.toISOString(),
        daysLeft,
      })),
      store: this.#serving.report(),
      memory: { resident: rss, heap: heapUsed, external },
    };
  }

  #loginState(text: string, address: string | undefined): LoginStateReport {
    const state = this.#composition.authenticator.stateOf(text, address);
    const sessions = state.login === undefined ? 0 : this.#sessions.list({ login: state.login }).length;
    return { ...state, sessions, sessionsMost: this.#config.limits.per_login };
  }

  async #untilNobody(most: number): Promise<void> {
    const until = Date.now() + most;
    while (this.#sessions.size > 0 && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 50));
  }

  async #close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#recheckTimer);
    this.#tls.stop();
    await this.#listening.close();
    // Those who would not leave, and those who have not come in yet: a handshake must not hold up the end of the process.
    this.#listening.hangUp();
    await this.#untilNobody(LEAVE_MS);
    await Promise.allSettled([this.#adminSocket?.close(), this.#adminHttp?.close()]);
    await closeComposition(this.#composition);
    this.#identities.close();
    await this.#serving.close();
  }
}

const REGISTRY = new Registry(EXTENSIONS, decodeCharset);

function traceDirectory(config: Config): string {
  return join(config.server.data, 'trace');
}

function problemsOf(error: unknown, file: string) {
  if (error instanceof ConfigError) return [...error.problems];
  const message = error instanceof Error ? error.message : String(error);
  return [{ file, line: 1, column: 1, path: '', message, mend: 'see the log for details' }];
}
