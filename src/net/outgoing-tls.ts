import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls';
import { formatServer, type ServerAddress } from '../config/address.ts';
import type { OutgoingTrust } from '../config/schema.ts';
import { certificatePin } from './certificate-pin.ts';
import { systemAuthorities } from './system-authorities.ts';

/** How often files are looked at for replacement. */
const RECHECK_MS = 10_000;

/** A server proved to be what its certificate says, but showed none of the pinned keys. */
export class PinError extends Error {
  readonly code = 'ERR_TLS_PIN_MISMATCH';
}

/**
 * TLS towards directories and upstreams: always verified, against the configured authorities or the system's, by the server's
 * name, and by pins where there are any. Holds one context per file version and remembers sessions per server, since a
 * resumed handshake costs a fraction of a full one.
 */
export class OutgoingTlsContext {
  readonly #config: OutgoingTrust;
  #context: SecureContext | undefined;
  #stamp = '';
  #checkedAt = 0;
  readonly #sessions = new Map<string, Buffer>();

  constructor(config: OutgoingTrust) {
    this.#config = config;
  }

  /** Options for `tls.connect` to one server; the caller adds socket or host and port. @throws when a file is unusable */
  options(server: ServerAddress): ConnectionOptions {
    const config = this.#config;
    const secureContext = this.#currentContext();
    const name = config.server_name ?? server.host;
    const session = this.#sessions.get(formatServer(server));
    return {
      secureContext,
      host: server.host,
      port: server.port,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(session ? { session } : {}),
      // Node passes servername or host here; the name to verify is ours to say, also for servers named by address.
      checkServerIdentity: (_host, certificate) =>
        checkServerIdentity(name, certificate) ?? this.#checkPin(certificate),
    };
  }

  /**
   * Remembers a session for the next connection to this server. Listen to the socket's `session` only once it is verified: Node asks
   * nothing about the name in a resumed handshake, so that the session of a server that was refused would let it in the next time.
   */
  rememberSession(server: ServerAddress, session: Buffer): void {
    // Dovecot 2.3 fails every resumed handshake where it asks for a certificate ("session id context uninitialized").
    if (this.#config.client_certificate) return;
    this.#sessions.set(formatServer(server), session);
  }

  #checkPin(certificate: PeerCertificate): Error | undefined {
    if (this.#config.pin.length === 0) return undefined;
    const shown = certificatePin(certificate.raw);
    return this.#config.pin.includes(shown)
      ? undefined
      : new PinError(`the server's key ${shown} is not among the pinned ones`);
  }

  #currentContext(): SecureContext {
    const now = Date.now();
    if (this.#context && now - this.#checkedAt < RECHECK_MS) return this.#context;
    this.#checkedAt = now;
    const { ca, client_certificate: client } = this.#config;
    const files = [ca, client?.certificate, client?.key].filter(file => file !== undefined);
    try {
      const stamp = files
        .map(file => statSync(file))
        .map(stat => `${stat.ino}:${stat.mtimeMs}:${stat.size}`)
        .join();
      if (this.#context && stamp === this.#stamp) return this.#context;
      this.#context = createSecureContext({
        ca: ca ? readAuthorities(ca) : systemAuthorities(),
        ...(client ? { cert: readFileSync(client.certificate), key: readFileSync(client.key) } : {}),
        minVersion: 'TLSv1.2',
      });
      this.#stamp = stamp;
      this.#sessions.clear();
    } catch (error) {
      // Half-written files of a renewal: what worked a moment ago goes on working.
      if (!this.#context) throw error;
    }
    return this.#context;
  }
}

/** OpenSSL takes a file without any certificate, or one cut off, for a wish to trust nobody else. @throws */
function readAuthorities(file: string): string {
  const text = readFileSync(file, 'latin1');
  const [begun, whole] = [/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g, /-----END [A-Z0-9 ]*CERTIFICATE-----/g].map(
    line => text.match(line)?.length ?? 0,
  );
  if (begun === 0) throw new Error(`${file} holds no certificate`);
  if (begun !== whole) throw new Error(`${file} breaks off within a certificate`);
  return text;
}

const VERIFICATION_CODES = new Set([
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_PIN_MISMATCH',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  // What Node calls every verification error that it has no name for, such as a violated name constraint.
  'UNSPECIFIED',
]);

/** Whether a connection failed because the server could not prove who it is, as opposed to not answering. */
export function isTlsVerificationError(error: unknown): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    if (VERIFICATION_CODES.has(code) || code.startsWith('CERT_')) return true;
  }
  return false;
}

/** What a failed handshake says, with the advice that helps here instead of Node's on its own command line. */
export function handshakeReason(message: string): string {
  return message.replace(
    /; if the root CA is .*--use-system-ca.*$/s,
    '; name the certificate of its authority as "ca"',
  );
}
