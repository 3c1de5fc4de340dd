import { randomBytes } from 'node:crypto';
import { BlockList, createServer, isIP, type Server, type Socket } from 'node:net';
import { type Endpoint, formatEndpoint } from '../config/address.ts';
import { unmapped } from '../config/address-key.ts';
import type { ListenerConfig } from '../config/schema.ts';
import type { Admission, Refusal } from './admission.ts';
import { Channel } from './channel.ts';
import {
  acceptTls,
  ClientConnection,
  describeTls,
  HandshakeFailed,
  type PeerAddress,
  type TlsContexts,
} from './client-connection.ts';
import { type ProxiedAddress, parseProxyHeader } from './proxy-protocol.ts';
import { listenOnPath } from './unix-socket.ts';

/** TCP keepalive: how long a connection may be silent before the kernel asks whether the peer still lives. */
const KEEPALIVE_MS = 120_000;
const BACKLOG = 4096;

export interface ListenerEvents {
  accepted(listener: string): void;
  closed(listener: string): void;
  /** @param detail what was wrong with a PROXY header */
  refused(listener: string, reason: Refusal | 'proxy', address: string, detail?: string): void;
  secured(listener: string, version: string, resumed: boolean): void;
  handshakeFailed(listener: string, error: HandshakeFailed, address: string): void;
  /** A bug: the connection was given up, nothing else is affected. */
  failed(listener: string, error: unknown): void;
}

export interface ListenerOptions {
  readonly config: ListenerConfig;
  readonly tls: TlsContexts;
  readonly admission: Admission;
  /** Every accepted socket until it is closed, also those of listeners that are closed themselves. */
  readonly sockets: Set<Socket>;
  /** Milliseconds for the PROXY header and for the handshake, each. */
  readonly handshakeTimeout: () => number;
  readonly events: ListenerEvents;
  /** Takes over an admitted connection. Resolves when it is over. */
  readonly serve: (connection: ClientConnection, config: ListenerConfig) => Promise<void>;
  /** The line that tells a refused client why. */
  readonly refusalLine: (reason: Refusal) => string;
}

/** One listening address: admits connections, learns who is behind a proxy, and secures them before anybody speaks IMAP. */
export class Listener {
  readonly name: string;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #proxies: BlockList | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.name = listenerName(options.config);
    this.#proxies = proxyList(options.config);
    this.#server = createServer(
      { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS },
      socket => {
        this.#accept(socket).catch((error: unknown) => {
          socket.destroy();
          this.#options.events.failed(this.name, error);
        });
      },
    );
  }

  /**
   * @returns where it listens, with the port the system chose if 0 was asked for
   * @throws when the address cannot be listened on, for example since somebody else does
   */
  async listen(): Promise<Endpoint> {
    const { address } = this.#options.config;
    // Whom the folder of a unix socket lets in may connect; a password is asked of everybody.
    if ('path' in address) await listenOnPath(this.#server, address.path, 0o666, BACKLOG);
    else await this.#listenOnPort(address);
    // Out of descriptors: the kernel keeps the connection queued; the process must not fall over it.
    this.#server.on('error', ignore);
    if ('path' in address) return address;
    const bound = this.#server.address();
    return typeof bound === 'object' && bound ? { host: bound.address, port: bound.port } : address;
  }

  /** Stops listening; open connections go on. */
  close(): Promise<void> {
    // The callback would wait for the open connections; the address is free when the handle is closed, a turn later.
    this.#server.close();
    return new Promise(resolve => setImmediate(resolve));
  }

  #listenOnPort(address: { host: string; port: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...address, backlog: BACKLOG }, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
  }

  async #accept(socket: Socket): Promise<void> {
    const { events, handshakeTimeout, sockets } = this.#options;
    // Until a channel listens: a client that resets at once must not end the process.
    socket.on('error', ignore);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const direct: PeerAddress = { address: unmapped(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    let client = direct;
    let local: PeerAddress = { address: unmapped(socket.localAddress ?? ''), port: socket.localPort ?? 0 };
    if (this.#proxies && this.#isProxy(direct.address)) {
      const header = await readProxyHeader(socket, handshakeTimeout());
      if (header.kind !== 'header') {
        // One that left without a word is a load balancer's way to see whether somebody listens.
        if (header.kind === 'invalid') events.refused(this.name, 'proxy', direct.address, header.reason);
        socket.destroy();
        return;
      }
      client = header.address?.source ?? client;
      local = header.address?.destination ?? local;
    }
    await this.#admit(socket, client, local);
  }

  async #admit(socket: Socket, client: PeerAddress, local: PeerAddress): Promise<void> {
    const { admission, events, serve } = this.#options;
    const refusal = admission.enter(client.address);
    if (refusal) {
      events.refused(this.name, refusal, client.address);
      await this.#refuse(socket, refusal);
      return;
    }
    events.accepted(this.name);
    try {
      const connection = await this.#open(socket, client, local);
      if (!connection) return;
      if (!admission.draining) await serve(connection, this.#options.config);
      else await this.#turnAway(connection);
    } finally {
      admission.leave(client.address);
      events.closed(this.name);
    }
  }

  async #open(socket: Socket, client: PeerAddress, local: PeerAddress): Promise<ClientConnection | undefined> {
    const { config, events } = this.#options;
    const about = { id: randomBytes(9).toString('base64url'), listener: this.name, client, local, since: Date.now() };
    if (config.tls !== 'implicit') return new ClientConnection({ ...about, channel: Channel.over(socket) });
    try {
      const secured = await acceptTls(socket, this.#options.tls, this.#options.handshakeTimeout());
      const tls = describeTls(secured);
      events.secured(this.name, tls.version, tls.resumed);
      return new ClientConnection({ ...about, channel: Channel.over(secured), tls });
    } catch (error) {
      if (!(error instanceof HandshakeFailed)) throw error;
      events.handshakeFailed(this.name, error, client.address);
      return undefined;
    }
  }

  /** The server began to shut down while the connection was being secured. */
  async #turnAway({ channel, client }: ClientConnection): Promise<void> {
    this.#options.events.refused(this.name, 'draining', client.address);
    channel.write(this.#options.refusalLine('draining')).catch(ignore);
    await channel.close();
  }

  /** Says why, where there is room for it, and hangs up. */
  async #refuse(socket: Socket, reason: Refusal): Promise<void> {
    const { admission, config, tls, handshakeTimeout, refusalLine } = this.#options;
    if (!admission.enterRefusal()) {
      socket.destroy();
      return;
    }
    try {
      const out = config.tls === 'implicit' ? await acceptTls(socket, tls, handshakeTimeout()) : socket;
      out.on('error', ignore);
      await new Promise<void>(resolve => {
        const giveUp = setTimeout(() => out.destroy(), 1000);
        out.once('close', () => {
          clearTimeout(giveUp);
          resolve();
        });
        out.resume();
        out.end(refusalLine(reason));
      });
    } catch {
      socket.destroy();
    } finally {
      admission.leaveRefusal();
    }
  }

  #isProxy(address: string): boolean {
    const family = isIP(address);
    // A unix socket has no address; whoever may connect to it is trusted as far as its file's permissions say.
    return family === 0 || (this.#proxies?.check(address, family === 6 ? 'ipv6' : 'ipv4') ?? false);
  }
}

export function listenerName(config: ListenerConfig): string {
  return config.name ?? formatEndpoint(config.address);
}

type ReadHeader =
  | { readonly kind: 'header'; readonly address: ProxiedAddress | undefined }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** Closed without having sent anything. */
  | { readonly kind: 'gone' };

/** The header of a trusted proxy. Bytes after it are put back. */
function readProxyHeader(socket: Socket, timeout: number): Promise<ReadHeader> {
  return new Promise(resolve => {
    let bytes: Buffer = Buffer.alloc(0);
    const timer = setTimeout(() => finish({ kind: 'invalid', reason: 'no PROXY header in time' }), timeout);
    const finish = (result: ReadHeader): void => {
      clearTimeout(timer);
      socket.removeListener('readable', onReadable);
      socket.removeListener('end', onEnd);
      socket.removeListener('close', onEnd);
      resolve(result);
    };
    const onEnd = (): void =>
      finish(bytes.length === 0 ? { kind: 'gone' } : { kind: 'invalid', reason: 'closed within the PROXY header' });
    const onReadable = (): void => {
      for (let chunk: unknown = socket.read(); Buffer.isBuffer(chunk); chunk = socket.read()) {
        bytes = Buffer.concat([bytes, chunk]);
        const header = parseProxyHeader(bytes);
        if (header.kind === 'incomplete') continue;
        if (header.kind === 'header' && bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
        finish(header);
        return;
      }
    };
    socket.on('readable', onReadable);
    socket.once('end', onEnd);
    socket.once('close', onEnd);
  });
}

function proxyList(config: ListenerConfig): BlockList | undefined {
  if (!config.proxy_protocol) return undefined;
  const list = new BlockList();
  for (const { address, prefix, family } of config.proxy_protocol.from) list.addSubnet(address, prefix, family);
  return list;
}

function ignore(): void {
  // Errors of a socket end in its 'close', which is where they are dealt with.
}
