import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatServer, type ServerAddress } from '../config/address.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Capabilities } from '../imap/capabilities.ts';
import { Channel } from '../net/channel.ts';
import { handshakeReason, isTlsVerificationError, type OutgoingTlsContext } from '../net/outgoing-tls.ts';
import { encodeProxyV2, type ProxiedAddress } from '../net/proxy-protocol.ts';
import type { ReadBuffers } from '../net/read-buffers.ts';
import { Dialogue } from './dialogue.ts';
import { UpstreamError } from './upstream-error.ts';

/** Silence after which the kernel asks whether the upstream still lives: an IDLE is silent for hours. */
const KEEPALIVE_MS = 120_000;

export interface ConnectOptions {
  readonly config: UpstreamConfig;
  readonly tls: OutgoingTlsContext;
  readonly buffers: ReadBuffers;
  /** Told by a PROXY v2 header, where configured; undefined for a connection of our own. */
  readonly client: ProxiedAddress | undefined;
  /** Gives the connection up while it is being opened. */
  readonly signal: AbortSignal;
}

/** A server that has greeted, over TLS where that is configured, and what it can before login. */
export interface Greeted {
  readonly dialogue: Dialogue;
  readonly capabilities: Capabilities;
}

/** Connects to one server up to where a login may be sent. @throws UpstreamError, also when the signal is aborted; nothing stays open then */
export async function connectUpstream(server: ServerAddress, options: ConnectOptions): Promise<Greeted> {
  const { config, signal } = options;
  const name = formatServer(server);
  // Lent buffers cannot be used below TLS: Node ignores `onread` there.
  const channel = config.tls === 'none' ? Channel.connect(tcpOptions(server), options.buffers) : undefined;
  const socket = channel?.socket ?? connectTcp(tcpOptions(server));
  // Also below TLS: an error may come between two of our listeners, and without any it would end the process.
  socket.on('error', () => {});
  const abort = (): void => void socket.destroy();
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    await connected(socket, name, config.connect_timeout);
    if (config.pass_client_address.includes('proxy-v2')) socket.write(encodeProxyV2(options.client));
    if (config.tls === 'implicit') return await greet(await secure(socket, server, options), name, config.timeout);
    if (config.tls === 'none') return await greet(channel ?? Channel.over(socket), name, config.timeout);
    return await greetByStartTls(socket, server, options);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

async function greet(channel: Channel, name: string, timeout: number): Promise<Greeted> {
  const dialogue = new Dialogue(channel, name, timeout);
  const capabilities = (await dialogue.greeting()) ?? (await dialogue.capabilities());
  return { dialogue, capabilities };
}

async function greetByStartTls(socket: Socket, server: ServerAddress, options: ConnectOptions): Promise<Greeted> {
  const name = formatServer(server);
  const clear = new Dialogue(Channel.over(socket), name, options.config.timeout);
  await clear.greeting();
  const { tagged } = await clear.command('STARTTLS');
  if (tagged.name !== 'OK')
    throw new UpstreamError('untrusted', `${name} refuses STARTTLS: ${tagged.text}`, { server: name });
  const { unread } = clear.channel.detach();
  // RFC 3501 §6.2.1: whoever answers beyond the tagged OK in clear is not (only) the server.
  if (unread > 0 || clear.takeRest().length > 0) {
    throw new UpstreamError('untrusted', `${name} sent bytes in clear after STARTTLS`, { server: name });
  }
  const dialogue = new Dialogue(await secure(socket, server, options), name, options.config.timeout);
  // What was said in clear, capabilities included, counts for nothing.
  return { dialogue, capabilities: await dialogue.capabilities() };
}

function tcpOptions(server: ServerAddress) {
  return { ...server, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS };
}

function connected(socket: Socket, name: string, timeout: number): Promise<void> {
  return settled(socket, 'connect', timeout, error => {
    const reason = error?.message ?? `no connection within ${timeout} ms`;
    return new UpstreamError('unavailable', `${name}: ${reason}`, { server: name, cause: error });
  });
}

async function secure(socket: Socket, server: ServerAddress, { config, tls }: ConnectOptions): Promise<Channel> {
  const name = formatServer(server);
  if (socket.destroyed) throw new UpstreamError('unavailable', `${name} closed the connection`, { server: name });
  const { host: _host, port: _port, ...options } = tlsOptions(server, tls);
  const secured = connectTls({ ...options, socket });
  // A session is worth keeping once its server has proven who it is, since resuming one proves nothing again. Asked for now all the
  // same: with TLS 1.2 it comes within the handshake.
  let verified = false;
  secured.once('secureConnect', () => {
    verified = true;
  });
  secured.on('session', session => {
    if (verified) tls.rememberSession(server, session);
  });
  await settled(secured, 'secureConnect', config.connect_timeout, error => {
    const kind = isTlsVerificationError(error) ? 'untrusted' : 'unavailable';
    const reason = error ? handshakeReason(error.message) : `no TLS handshake within ${config.connect_timeout} ms`;
    return new UpstreamError(kind, `${name}: ${reason}`, { server: name, cause: error });
  });
  return Channel.over(secured);
}

function tlsOptions(server: ServerAddress, tls: OutgoingTlsContext) {
  try {
    return tls.options(server);
  } catch (error) {
    const name = formatServer(server);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UpstreamError('misconfigured', `TLS for ${name}: ${reason}`, { server: name, cause: error });
  }
}

/** Waits for one event of a socket that is about to be usable, and leaves no listener behind. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeout: number,
  explain: (error: Error | undefined) => UpstreamError,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => failed(), timeout);
    const failed = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeListener(event, succeeded);
      socket.removeListener('close', closed);
      // A late error of a socket that is given up has nobody to tell.
      socket.on('error', () => {});
      socket.destroy();
      reject(explain(error));
    };
    const closed = (): void => failed(new Error('closed the connection'));
    const succeeded = (): void => {
      clearTimeout(timer);
      socket.removeListener('error', failed);
      socket.removeListener('close', closed);
      resolve();
    };
    socket.once(event, succeeded);
    socket.once('error', failed);
    socket.once('close', closed);
  });
}
