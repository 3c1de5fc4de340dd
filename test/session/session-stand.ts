import { mkdtempSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import pino from 'pino';
import { accountId } from '../../src/auth/account-id.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { login } from '../../src/auth/sasl/login.ts';
import { plain } from '../../src/auth/sasl/plain.ts';
import { limitsSchema } from '../../src/config/listeners.ts';
import type { Limits } from '../../src/config/schema.ts';
import { Registry } from '../../src/extensions/registry.ts';
import { Capabilities } from '../../src/imap/capabilities.ts';
import type { Store } from '../../src/mail/store.ts';
import { ClientConnection } from '../../src/net/client-connection.ts';
import { ReadBuffers } from '../../src/net/read-buffers.ts';
import { AuditLog } from '../../src/observe/audit.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { ProtocolTrace } from '../../src/observe/protocol-trace.ts';
import { SessionRegistry } from '../../src/observe/session-registry.ts';
import { Gate, type RelayTarget } from '../../src/session/gate.ts';
import { Session, type SessionMode } from '../../src/session/session.ts';
import type { UpstreamSession } from '../../src/upstream/upstream.ts';
import { UpstreamError } from '../../src/upstream/upstream-error.ts';
import { SocketPairs } from '../net/socket-pair.ts';
import { testCa } from '../support/test-ca.ts';

export const ADA: Principal = {
  directory: 'corp',
  id: '1',
  name: 'ada',
  mail: undefined,
  host: undefined,
  groups: [],
  attributes: new Map(),
  entry: 'uid=ada',
  account: accountId('corp', '1'),
  login: 'ada',
  mechanism: 'PLAIN',
  proof: 'directory',
};

export interface OpenOptions {
  readonly mode?: SessionMode;
  readonly limits?: Partial<Limits>;
  /** Opens the upstream; by default one that is there at once. */
  readonly open?: RelayTarget['open'];
  /** Serves the session from it, instead of relaying. */
  readonly store?: Store;
  /** Opens that store; by default it is there at once. */
  readonly opened?: () => Promise<Store>;
  /** Proves the password; by default any. */
  readonly authenticate?: () => Promise<Principal>;
}

/** A session under way, with its client and what is seen of it from outside. */
export interface OpenSession {
  readonly client: Socket;
  /** Everything the client has received. */
  readonly heard: () => string;
  readonly done: Promise<void>;
}

/** Sessions over loopback without a server around them: their directory and their upstream are the test's. */
export class SessionStand {
  readonly pairs = new SocketPairs();
  readonly sessions = new SessionRegistry();
  readonly metrics: Metrics = createMetrics();
  readonly audit: Record<string, unknown>[] = [];
  readonly log: Record<string, unknown>[] = [];
  readonly #buffers = new ReadBuffers();
  readonly #folder = mkdtempSync(join(tmpdir(), 'postern-session-'));
  #count = 0;

  close(): void {
    this.pairs.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A logged-in upstream, and the mail server at its other end. */
  async upstream(said: Partial<UpstreamSession> = {}): Promise<{ session: UpstreamSession; server: Socket }> {
    const { channel, peer } = await this.pairs.lent(this.#buffers);
    const session = {
      channel,
      server: 'mail.test:143',
      capabilities: Capabilities.parse('IMAP4rev1 IDLE'),
      alerts: [],
      rest: [],
      ...said,
    };
    return { session, server: peer };
  }

  async open(options: OpenOptions = {}): Promise<OpenSession> {
    const { mode = { startTls: false, clear: true }, limits = {}, authenticate = async () => ADA } = options;
    const open = options.open ?? (async () => (await this.upstream()).session);
    const { good } = await testCa();
    const context = createSecureContext({ cert: good.certificate, key: good.key });
    const { channel, peer } = await this.pairs.accepted();
    const log = pino({ level: 'debug' }, { write: (line: string) => this.log.push(JSON.parse(line)) });
    const gate = new Gate({
      authenticator: { authenticate },
      router: {
        route: () =>
          options.store ? { mode: 'serve', mounts: [], rule: 0 } : { mode: 'relay', upstream: 'mail', rule: 0 },
      },
      upstream: () => ({
        identity: ({ login: name }, password) => ({ login: name, password, authorize: '', user: name }),
        open,
      }),
      asUpstreamError: error => (error instanceof UpstreamError ? error : undefined),
      serve: async () => {
        if (!options.store) throw new Error('no store');
        return (await options.opened?.()) ?? options.store;
      },
    });
    const settings = {
      serverName: 'door.test',
      limits: { ...limitsSchema.parse({}), ...limits },
      mechanisms: [plain, login],
      gate,
      upstreamLiterals: () => undefined,
    };
    this.#count += 1;
    const connection = new ClientConnection({
      id: `session-${this.#count}`,
      listener: 'test',
      client: { address: '192.0.2.1', port: 1 },
      local: { address: '192.0.2.2', port: 143 },
      since: Date.now(),
      channel,
    });
    const session = new Session(connection, mode, {
      settings: () => settings,
      registry: new Registry(),
      tls: { context: () => context },
      sessions: this.sessions,
      log,
      audit: new AuditLog(line => this.audit.push(JSON.parse(line))),
      metrics: this.metrics,
      trace: new ProtocolTrace({ directory: this.#folder, log }),
    });
    let heard = '';
    peer.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
    });
    return { client: peer, heard: () => heard, done: session.run() };
  }

  /** What is counted of sessions now: all zero when none is left. */
  async gauges(): Promise<Record<string, number>> {
    const { values } = await this.metrics.sessions.get();
    return Object.fromEntries(values.map(({ labels, value }) => [labels.mode, value]));
  }
}
