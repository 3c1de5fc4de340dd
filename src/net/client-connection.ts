import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { Channel } from './channel.ts';

export interface PeerAddress {
  readonly address: string;
  readonly port: number;
}

/** What TLS settled on with a client. */
export interface TlsDetails {
  readonly version: string;
  readonly cipher: string;
  readonly serverName: string | undefined;
  readonly resumed: boolean;
}

/** The certificates of the listeners, as a connection needs them. */
export interface TlsContexts {
  /** The context for a server name (SNI); the default one for undefined. */
  context(serverName: string | undefined): SecureContext;
}

/** A TLS handshake that did not come to its end; `code` is OpenSSL's or Node's. */
export class HandshakeFailed extends Error {
  override readonly name = 'HandshakeFailed';
  readonly code: string;

  constructor(code: string, cause?: unknown) {
    super(`TLS handshake failed: ${code}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** One client, from its first byte to its last: over TLS from the start, or from STARTTLS on. */
export class ClientConnection {
  /** Short and random; on every log line about this connection. */
  readonly id: string;
  /** Name of the listener. */
  readonly listener: string;
  /** The client itself: behind a trusted proxy, as that proxy tells. */
  readonly client: PeerAddress;
  /** Where the client connected to. */
  readonly local: PeerAddress;
  readonly since: number;
  channel: Channel;
  tls: TlsDetails | undefined;

  constructor(about: {
    id: string;
    listener: string;
    client: PeerAddress;
    local: PeerAddress;
    since: number;
    channel: Channel;
    tls?: TlsDetails;
  }) {
    this.id = about.id;
    this.listener = about.listener;
    this.client = about.client;
    this.local = about.local;
    this.since = about.since;
    this.channel = about.channel;
    this.tls = about.tls;
  }

  /**
   * Turns the connection to TLS, as the server. What came in clear before the handshake has been discarded by then and is not
   * looked at: it may have been injected by somebody else (RFC 3501 §6.2.1, CVE-2011-0411).
   * @returns the number of bytes discarded that the channel held; and a promise of the handshake's end, rejected with HandshakeFailed
   */
  startTls(contexts: TlsContexts, timeout: number): { readonly discarded: number; readonly secured: Promise<void> } {
    const { socket, unread } = this.channel.detach();
    return { discarded: unread, secured: this.#secure(socket, contexts, timeout) };
  }

  async #secure(socket: Socket, contexts: TlsContexts, timeout: number): Promise<void> {
    const secured = await acceptTls(socket, contexts, timeout);
    this.channel = Channel.over(secured);
    this.tls = describeTls(secured);
  }
}

/** Performs the server's side of a handshake on a connected socket. @throws HandshakeFailed */
export function acceptTls(socket: Socket, contexts: TlsContexts, timeout: number): Promise<TLSSocket> {
  // It would never be closed again, which is what ends a handshake that comes to nothing.
  if (socket.destroyed) return Promise.reject(new HandshakeFailed('ECONNRESET'));
  return new Promise((resolve, reject) => {
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: contexts.context(undefined),
      SNICallback: (name, done) => {
        try {
          done(null, contexts.context(name));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
      ALPNProtocols: ['imap'],
    });
    const timer = setTimeout(() => fail('ETIMEDOUT'), timeout);
    const fail = (code: string, error?: Error): void => {
      clearTimeout(timer);
      secured.removeListener('secure', succeed);
      // Late errors of a connection that is given up have nobody to tell.
      secured.on('error', () => {});
      secured.destroy();
      socket.destroy();
      reject(new HandshakeFailed(code, error));
    };
    const failed = (error: Error): void => fail('code' in error ? String(error.code) : error.message, error);
    const closed = (): void => fail('ECONNRESET');
    const succeed = (): void => {
      clearTimeout(timer);
      secured.removeListener('error', failed);
      secured.removeListener('close', closed);
      secured.removeListener('end', closed);
      resolve(secured);
    };
    secured.once('secure', succeed);
    secured.once('error', failed);
    secured.once('close', closed);
    // A half-open connection would otherwise wait for the time-out: a port that is only looked at.
    secured.once('end', closed);
  });
}

export function describeTls(socket: TLSSocket): TlsDetails {
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    serverName: typeof socket.servername === 'string' ? socket.servername : undefined,
    resumed: socket.isSessionReused(),
  };
}
