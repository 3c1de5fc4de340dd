import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ExtendedRequest } from 'ldapts';
import { formatServer, type ServerAddress } from '../../config/address.ts';
import { handshakeReason, isTlsVerificationError, type OutgoingTlsContext } from '../../net/outgoing-tls.ts';
import { reasonOf, ServerFailure } from './failure.ts';
import { MalformedMessage, MessageFrames } from './frames.ts';
import { ANSWER, parseResponse } from './response.ts';

/** RFC 4511 §4.14.1. */
const START_TLS = '1.3.6.1.4.1.1466.20037';

/** Finds servers that vanished while a connection was idle. */
const KEEPALIVE_MS = 60_000;

/**
 * Opens a connection that is ready for LDAP and secured as configured, or none: there is no way from here to a plaintext
 * connection unless `mode` is `none`.
 *
 * @param deadline `performance.now()` by which everything has to be done
 * @throws ServerFailure
 */
export async function openSocket(
  server: ServerAddress,
  mode: 'implicit' | 'starttls' | 'none',
  context: OutgoingTlsContext,
  deadline: number,
): Promise<Socket> {
  const { host, port } = server;
  if (mode === 'implicit') return secure(server, context, deadline, undefined);
  const socket = prepared(connect({ host, port, noDelay: true }));
  await reached(socket, 'connect', server, deadline);
  socket.setKeepAlive(true, KEEPALIVE_MS);
  if (mode === 'none') return socket;
  try {
    await requestTls(socket, server, deadline);
    return await secure(server, context, deadline, socket);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function secure(
  server: ServerAddress,
  context: OutgoingTlsContext,
  deadline: number,
  plain: Socket | undefined,
): Promise<Socket> {
  const options = tlsOptions(server, context);
  const socket = prepared(connectTls(plain ? { ...options, socket: plain } : options));
  await reached(socket, 'secureConnect', server, deadline);
  // Only now: a session of a server that was not verified would be resumed without looking at its name again.
  socket.on('session', session => context.rememberSession(server, session));
  if (!plain) socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_MS);
  return socket;
}

function tlsOptions(server: ServerAddress, context: OutgoingTlsContext) {
  try {
    return context.options(server);
  } catch (error) {
    throw new ServerFailure('misconfigured', `TLS for ${formatServer(server)}: ${reasonOf(error)}`, error);
  }
}

/** An error may come between two of our listeners, and without any it would end the process. */
function prepared<S extends Socket>(socket: S): S {
  return socket.on('error', () => {});
}

/** Waits for the event; destroys the socket on failure. @throws ServerFailure */
function reached(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  server: ServerAddress,
  deadline: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (failure: ServerFailure | undefined) => {
      clearTimeout(timer);
      socket.off(event, onReached).off('error', onError).off('close', onClose);
      if (!failure) return resolve();
      socket.destroy();
      reject(failure);
    };
    const name = formatServer(server);
    const onReached = () => settle(undefined);
    const onClose = () => settle(new ServerFailure('unavailable', `${name} closed the connection at once`));
    const onError = (error: Error) => {
      const untrusted = isTlsVerificationError(error);
      const detail = `${name}${untrusted ? ' could not be verified' : ''}: ${handshakeReason(reasonOf(error))}`;
      settle(new ServerFailure(untrusted ? 'untrusted' : 'unavailable', detail, error));
    };
    const timer = setTimeout(
      () => settle(new ServerFailure('timeout', `${name} did not answer in time (connecting)`)),
      Math.max(0, deadline - performance.now()),
    );
    socket.on(event, onReached).on('error', onError).on('close', onClose);
  });
}

/**
 * StartTLS (RFC 4511 §4.14). A server, or whoever sits before it, that answers anything but success gets no password; only
 * "busy" and "unavailable" count as an outage.
 */
async function requestTls(socket: Socket, server: ServerAddress, deadline: number): Promise<void> {
  const name = formatServer(server);
  const message = await firstMessage(socket, name, deadline);
  try {
    const answer = parseResponse(message);
    if (answer.kind !== 'result' || answer.operation !== ANSWER.extended || answer.id !== 1) {
      throw new MalformedMessage('the answer to StartTLS is none');
    }
    const { code, message: text } = answer.result;
    if (code !== 0) {
      const kind = code === 51 || code === 52 ? 'unavailable' : 'untrusted';
      throw new ServerFailure(kind, `${name} refused StartTLS: result ${code} ${text}`.trim());
    }
  } catch (error) {
    if (error instanceof MalformedMessage) throw new ServerFailure('untrusted', `${name}: ${error.message}`, error);
    throw error;
  }
}

/** Sends the request and returns the one message that may come in clear. */
function firstMessage(socket: Socket, name: string, deadline: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const frames = new MessageFrames(64 * 1024);
    const settle = (failure: ServerFailure | undefined, message?: Buffer) => {
      clearTimeout(timer);
      // Paused before the listener goes: what comes next belongs to the handshake and must not be read here.
      socket.pause().off('data', onData).off('error', onError).off('close', onClose);
      if (message) resolve(message);
      else reject(failure);
    };
    const onError = (error: Error) => settle(new ServerFailure('lost', `${name}: ${reasonOf(error)}`, error));
    const onClose = () => settle(new ServerFailure('lost', `${name} closed the connection before StartTLS`));
    const onData = (chunk: Buffer) => {
      try {
        frames.push(chunk);
        const message = frames.next();
        if (!message) return;
        if (frames.pending === 0) settle(undefined, message);
        else settle(new ServerFailure('untrusted', `${name} sent bytes in clear after its answer to StartTLS`));
      } catch (error) {
        settle(new ServerFailure('untrusted', `${name}: ${reasonOf(error)}`, error));
      }
    };
    const timer = setTimeout(
      () => settle(new ServerFailure('timeout', `${name} did not answer in time (StartTLS)`)),
      Math.max(0, deadline - performance.now()),
    );
    socket.on('data', onData).on('error', onError).on('close', onClose);
    socket.write(new ExtendedRequest({ messageId: 1, oid: START_TLS }).write());
  });
}
