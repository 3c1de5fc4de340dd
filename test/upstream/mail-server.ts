import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { UpstreamConnection } from '../support/scripted-upstream.ts';
import type { TestCertificate } from '../support/test-ca.ts';

/** What a mail server says on one connection; `index` counts them from 0. Whatever it throws ends the connection. */
export type Script = (connection: UpstreamConnection, index: number) => Promise<void>;

export interface MailServerOptions {
  /** TLS from the first byte, with this certificate. */
  readonly certificate?: TestCertificate;
  readonly version?: SecureVersion;
  /** Default: one that is free. */
  readonly port?: number;
}

/** A mail server that follows a script. */
export class MailServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections accepted so far. */
  connections = 0;

  private constructor(script: Script, { certificate, version }: MailServerOptions) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      const index = this.connections;
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      const secured = certificate ? secure(socket, certificate, version) : socket;
      const connection = new UpstreamConnection(secured);
      script(connection, index).then(
        () => secured.end(),
        () => secured.destroy(),
      );
    });
  }

  static async start(script: Script, options: MailServerOptions = {}): Promise<MailServer> {
    const server = new MailServer(script, options);
    server.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get address(): { host: string; port: number } {
    const address = this.#server.address();
    return { host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 };
  }

  /** Connections open now. */
  get open(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One context for each certificate and version: sessions are resumed within one. */
const contexts = new Map<string, SecureContext>();

/** The server's side of TLS on a connection; the one before must not be used any more. */
export function secure(socket: Socket, certificate: TestCertificate, version: SecureVersion = 'TLSv1.3'): TLSSocket {
  const key = `${version} ${certificate.certificate}`;
  const secureContext =
    contexts.get(key) ??
    createSecureContext({
      cert: certificate.certificate,
      key: certificate.key,
      maxVersion: version,
      sessionIdContext: 'mail',
    });
  contexts.set(key, secureContext);
  socket.removeAllListeners('data');
  const secured = new TLSSocket(socket, { isServer: true, secureContext });
  const giveUp = (): void => void secured.destroy();
  secured.once('end', giveUp).once('secure', () => secured.removeListener('end', giveUp));
  return secured.on('error', () => {});
}

/** An upstream's configuration as it is loaded. */
export function upstreamConfig(
  servers: readonly { host: string; port: number }[],
  config: Partial<UpstreamConfig> = {},
): UpstreamConfig {
  return {
    servers: [...servers],
    tls: 'none',
    allow_plaintext: false,
    pin: [],
    login: { as: 'user', mechanism: 'auto', name: '{login}' },
    pass_client_address: [],
    connect_timeout: 5000,
    timeout: 5000,
    retry: 10_000,
    allow_unauthenticate: false,
    ...config,
  };
}

/** Greets, unless that was done before, then answers each command by its name until LOGOUT or the end. */
export async function serve(
  connection: UpstreamConnection,
  greeting: string | undefined,
  answers: Readonly<Record<string, (tag: string, rest: string) => string | Promise<string>>>,
): Promise<void> {
  if (greeting !== undefined) await connection.write(`${greeting}\r\n`);
  for (;;) {
    const [tag = '', name = '', ...rest] = (await connection.readLine(60_000)).split(' ');
    const answer = answers[name.toUpperCase()] ?? (() => `${tag} BAD unknown\r\n`);
    await connection.write(await answer(tag, rest.join(' ')));
    if (name.toUpperCase() === 'LOGOUT') return;
  }
}
