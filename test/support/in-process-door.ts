import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import pino from 'pino';
import { accountId } from '../../src/auth/account-id.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { plain } from '../../src/auth/sasl/plain.ts';
import { limitsSchema } from '../../src/config/listeners.ts';
import type { Limits } from '../../src/config/schema.ts';
import { EXTENSIONS, Registry } from '../../src/extensions/registry.ts';
import type { Store } from '../../src/mail/store.ts';
import { Channel } from '../../src/net/channel.ts';
import { ClientConnection } from '../../src/net/client-connection.ts';
import { AuditLog } from '../../src/observe/audit.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { ProtocolTrace } from '../../src/observe/protocol-trace.ts';
import { SessionRegistry } from '../../src/observe/session-registry.ts';
import { Gate } from '../../src/session/gate.ts';
import { Session } from '../../src/session/session.ts';
import { decodeCharset } from '../../src/store/search/charset.ts';
import { ImapClient, type ImapClientOptions } from './imap-client.ts';

export interface InProcessDoorOptions {
  /** The mail of whoever logs in, for one session. */
  readonly open: (login: string) => Store | Promise<Store>;
  readonly limits?: Partial<Limits>;
  /** TCP port or path of a unix socket; any free port of loopback by default. */
  readonly listen?: number | string;
}

/** Real sessions over real sockets in this process, on any Store: every login succeeds. */
export class InProcessDoor {
  /** Lines of the log, from `debug` on. */
  readonly log: Record<string, unknown>[] = [];
  readonly sessions = new SessionRegistry();
  readonly metrics = createMetrics();
  readonly #options: InProcessDoorOptions;
  readonly #server: Server;
  readonly #running = new Set<Promise<void>>();
  readonly #sockets = new Set<Socket>();
  #count = 0;

  private constructor(options: InProcessDoorOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => this.#accept(socket));
  }

  static async open(options: InProcessDoorOptions): Promise<InProcessDoor> {
    const door = new InProcessDoor(options);
    const { listen = 0 } = options;
    await new Promise<void>((resolve, reject) => {
      door.#server.once('error', reject);
      if (typeof listen === 'string') door.#server.listen(listen, resolve);
      else door.#server.listen(listen, '127.0.0.1', resolve);
    });
    return door;
  }

  get port(): number {
    const address = this.#server.address();
    if (!address || typeof address === 'string') throw new Error('this door listens on no port');
    return address.port;
  }

  /** A client that has logged in. */
  async enter(login = 'ada', options: Partial<ImapClientOptions> = {}): Promise<ImapClient> {
    const client = await ImapClient.connect({ port: this.port, ...options });
    const { tagged } = await client.command(`LOGIN ${login} x`);
    if (!/^\S+ OK /.test(tagged)) throw new Error(`the login was refused: ${tagged}`);
    return client;
  }

  /** What the log has to complain of. */
  get complaints(): readonly Record<string, unknown>[] {
    return this.log.filter(({ level }) => typeof level === 'number' && level >= 50);
  }

  /** Cuts what is open, and waits for the sessions to end. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await Promise.all(this.#running);
  }

  #accept(socket: Socket): void {
    this.#count += 1;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const log = pino({ level: 'debug' }, { write: (line: string) => this.log.push(JSON.parse(line)) });
    const settings = {
      serverName: 'door.test',
      limits: { ...limitsSchema.parse({}), ...this.#options.limits },
      mechanisms: [plain],
      gate: this.#gate(),
      upstreamLiterals: () => undefined,
    };
    const connection = new ClientConnection({
      id: `session-${this.#count}`,
      listener: 'test',
      client: { address: '192.0.2.1', port: 1 },
      local: { address: '192.0.2.2', port: 143 },
      since: Date.now(),
      channel: Channel.over(socket),
    });
    const running = new Session(
      connection,
      { startTls: false, clear: true },
      {
        settings: () => settings,
        registry: new Registry(EXTENSIONS, decodeCharset),
        tls: {
          context: () => {
            throw new Error('no TLS here');
          },
        },
        sessions: this.sessions,
        log,
        audit: new AuditLog(() => {}),
        metrics: this.metrics,
        trace: new ProtocolTrace({ directory: tmpdir(), log }),
      },
    ).run();
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  #gate(): Gate {
    return new Gate({
      authenticator: { authenticate: async ({ login }) => principal(login) },
      router: { route: () => ({ mode: 'serve', mounts: [{ prefix: '', store: 'local' }], rule: 0 }) },
      upstream: () => undefined,
      asUpstreamError: () => undefined,
      serve: async (_route, { login }) => this.#options.open(login),
    });
  }
}

function principal(login: string): Principal {
  return {
    directory: 'corp',
    id: login,
    name: login,
    mail: undefined,
    host: undefined,
    groups: [],
    attributes: new Map(),
    entry: `uid=${login}`,
    account: accountId('corp', login),
    login,
    mechanism: 'PLAIN',
    proof: 'directory',
  };
}
