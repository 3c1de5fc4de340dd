import type { X509Certificate } from 'node:crypto';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ServerAddress } from '../config/address.ts';
import { systemAuthorities } from '../net/system-authorities.ts';

/** How a server starts TLS: at once, after IMAP's STARTTLS, or after LDAP's StartTLS. */
export type PeerTls = 'implicit' | 'imap' | 'ldap';

/** What a server showed of itself. */
export interface PeerCertificates {
  /** The leaf first, then its chain, completed from the trust store where the server did not send it. */
  readonly certificates: readonly X509Certificate[];
  /** Why the system's trust store (and the server's name) would not accept it; undefined when they do. */
  readonly refusal: string | undefined;
  readonly protocol: string;
}

/**
 * Fetches the certificates of a server, trusted or not, by a handshake without any request or login behind it.
 * @throws Error when it does not answer, or not with TLS, within `timeout` milliseconds
 */
export async function fetchPeerCertificates(
  server: ServerAddress,
  how: PeerTls,
  timeout: number,
): Promise<PeerCertificates> {
  const socket = connectTcp(server);
  // Whoever waits has a listener of its own; an error after that is of no interest.
  socket.on('error', () => {});
  const secured: { tls?: TLSSocket } = {};
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${timeout / 1000} s`);
    (secured.tls ?? socket).destroy(error);
  }, timeout);
  try {
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    if (how === 'imap') await startImapTls(socket);
    if (how === 'ldap') await startLdapTls(socket);
    return await handshake(socket, server, tls => {
      secured.tls = tls;
    });
  } finally {
    clearTimeout(timer);
    secured.tls?.destroy();
    socket.destroy();
  }
}

function handshake(
  socket: Socket,
  server: ServerAddress,
  started: (tls: TLSSocket) => void,
): Promise<PeerCertificates> {
  return new Promise((resolve, reject) => {
    // Only looked at: nothing is sent over this connection, so whoever answers learns nothing.
    const tls = connectTls({
      socket,
      host: server.host,
      ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
      rejectUnauthorized: false,
      ca: systemAuthorities(),
    });
    started(tls);
    tls.once('error', reject).once('close', () => reject(new Error('the server closed the connection')));
    tls.once('secureConnect', () => {
      const certificates: X509Certificate[] = [];
      for (let next = tls.getPeerX509Certificate(); next; next = next.issuerCertificate) {
        if (certificates.some(known => known.fingerprint256 === next?.fingerprint256)) break;
        certificates.push(next);
      }
      const refusal = tls.authorized ? undefined : String(tls.authorizationError);
      resolve({ certificates, refusal, protocol: tls.getProtocol() ?? 'TLS' });
    });
  });
}

/** RFC 9051 §6.2.1. */
async function startImapTls(socket: Socket): Promise<void> {
  await readUntil(socket, text => text.includes('\r\n'));
  socket.write('a STARTTLS\r\n');
  const answer = await readUntil(socket, text => /^a .*\r\n/m.test(text));
  if (!/^a OK/im.test(answer)) throw new Error(`the server refused STARTTLS: ${answer.trim()}`);
}

/** RFC 4511 §4.14: message 1, an extended request by its name, and an answer with result code 0. */
async function startLdapTls(socket: Socket): Promise<void> {
  const name = Buffer.from('1.3.6.1.4.1.1466.20037');
  const request = Buffer.concat([Buffer.from([0x77, name.length + 2, 0x80, name.length]), name]);
  socket.write(Buffer.concat([Buffer.from([0x30, request.length + 3, 2, 1, 1]), request]));
  const answer = await readUntil(socket, text => /\x78.*\x0a\x01./s.test(text));
  if (!/\x78.*?\x0a\x01\0/s.test(answer)) throw new Error('the server refused StartTLS');
}

function readUntil(socket: Socket, done: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (act: () => void) => {
      socket.off('data', onData).off('error', onError).off('close', onClose).pause();
      act();
    };
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (done(text)) settle(() => resolve(text));
      else if (text.length > 8192) settle(() => reject(new Error('the server does not speak the expected protocol')));
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => settle(() => reject(new Error('the server closed the connection')));
    socket.on('data', onData).on('error', onError).on('close', onClose).resume();
  });
}
