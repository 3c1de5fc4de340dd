import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer, type Server, TLSSocket } from 'node:tls';
import pino from 'pino';
import { ServerTls } from '../../src/net/server-tls.ts';
import { type Authority, type Issued, issueServerCertificate, makeAuthority } from '../../src/pki/authority.ts';
import { parsePrivateKey } from '../../src/pki/keys.ts';
import { parseSubjectNames } from '../../src/pki/subject-names.ts';

export const DAY = 86_400_000;
export const [WARN, ERROR] = [40, 50];

/** Certificate files as the configuration names them. */
interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** What a client saw of a server. */
export interface Seen {
  /** Common name of the certificate. */
  readonly name: string;
  readonly fingerprint: string;
  readonly reused: boolean;
  readonly session: Buffer | undefined;
  readonly text: string;
}

/** A folder of certificates by one authority, servers that show them, and clients that look. */
export class TlsFixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-tls-'));
  /** PEM of the authority, which clients trust. */
  readonly ca: string;
  readonly #authority: Authority;
  readonly #cleanup: (() => unknown)[] = [];

  static async make(): Promise<TlsFixture> {
    return new TlsFixture(await makeAuthority({ name: 'Test CA' }));
  }

  private constructor({ certificate, key }: Issued) {
    this.ca = certificate;
    this.#authority = { certificate: new X509Certificate(certificate), key: parsePrivateKey(key) };
  }

  issue(name: string, days?: number): Promise<Issued> {
    return issueServerCertificate(this.#authority, { names: parseSubjectNames([name]), ...(days ? { days } : {}) });
  }

  /** Writes `FILE.crt` and `FILE.key`. */
  install(file: string, { certificate, key }: Issued): Pair {
    const pair = { certificate: join(this.folder, `${file}.crt`), key: join(this.folder, `${file}.key`) };
    writeFileSync(pair.certificate, certificate);
    writeFileSync(pair.key, key);
    return pair;
  }

  /** A new certificate for `name`, written as `FILE.crt` and `FILE.key`. */
  async renew(file: string, name: string, days?: number): Promise<Pair> {
    return this.install(file, await this.issue(name, days));
  }

  /** The certificates loaded, and what they log. */
  async load(
    pairs: readonly Pair[],
    options: { now?: () => number; minimum?: 'TLSv1.2' | 'TLSv1.3'; ticketKeys?: Buffer } = {},
  ) {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const { minimum = 'TLSv1.2', ...rest } = options;
    const serverTls = ServerTls.load({ minimum, certificates: [...pairs] }, { log, ...rest });
    this.#cleanup.push(() => serverTls.stop());
    const messages = (level: number | undefined) => lines.filter(line => line.level === level).map(line => line.msg);
    return { serverTls, lines, messages };
  }

  /** A TLS server that greets and hangs up. */
  async listen(serverTls: ServerTls): Promise<{ server: Server; port: number }> {
    const server = createServer(serverTls.tlsOptions(), socket => {
      socket.on('error', () => {});
      socket.end(`hello over ${socket.alpnProtocol}\r\n`);
    });
    server.on('tlsClientError', () => {});
    serverTls.attach(server);
    return { server, port: await this.#open(server) };
  }

  /** The same, securing each socket by itself as STARTTLS does. */
  async listenForUpgrade(serverTls: ServerTls): Promise<{ port: number }> {
    const server = createTcpServer(socket => {
      const secured = new TLSSocket(socket, { isServer: true, ...serverTls.tlsOptions() });
      secured.on('error', () => {});
      secured.on('secure', () => secured.end(`hello over ${secured.alpnProtocol}\r\n`));
    });
    return { port: await this.#open(server) };
  }

  async visit(port: number, options: ConnectionOptions = {}): Promise<Seen> {
    const socket = connect({ host: '127.0.0.1', port, ca: this.ca, checkServerIdentity: () => undefined, ...options });
    let session: Buffer | undefined;
    let text = '';
    socket.on('session', (next: Buffer) => {
      session = next;
    });
    socket.on('data', chunk => {
      text += chunk.toString();
    });
    try {
      await once(socket, 'secureConnect');
      // Of a resumed session it may be an empty object, whatever its type says.
      const peer = socket.getPeerCertificate();
      const reused = socket.isSessionReused();
      await once(socket, 'close');
      return { name: String(peer.subject?.CN), fingerprint: peer.fingerprint256, reused, session, text };
    } finally {
      socket.destroy();
    }
  }

  /** Ends what the last test started. */
  quiesce(): void {
    for (const undo of this.#cleanup.splice(0)) undo();
  }

  [Symbol.dispose](): void {
    this.quiesce();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #open(server: TcpServer): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#cleanup.push(() => server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }
}
