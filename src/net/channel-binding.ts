import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { type DetailedPeerCertificate, type PeerCertificate, TLSSocket } from 'node:tls';

/** Content octets of the OIDs of signature algorithms in hex, and the hash that tls-server-end-point takes of each (RFC 5929 §4.1). */
const HASHES: Readonly<Record<string, string>> = {
  // sha1WithRSAEncryption, md5WithRSAEncryption, ecdsa-with-SHA1: SHA-256 in place of hashes that are broken.
  '2a864886f70d010105': 'sha256',
  '2a864886f70d010104': 'sha256',
  '2a8648ce3d0401': 'sha256',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

export const CHANNEL_BINDINGS = ['tls-exporter', 'tls-unique', 'tls-server-end-point'] as const;

/**
 * Octets that bind what is said within a TLS connection to that very connection (RFC 5056), as its server knows them.
 * @returns undefined for a type that this connection has not: tls-exporter (RFC 9266) needs TLS 1.3, as Node does not tell whether an
 * older one has the extended master secret that it needs; tls-unique (RFC 5929 §3), which GNU SASL 2.2 takes for older ones, a
 * handshake of its own, as resumption can give two connections the same (RFC 7627 §1); tls-server-end-point a certificate whose signature names one hash
 */
export function channelBinding(socket: Socket, type: string): Buffer | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  if (type === 'tls-exporter') {
    if (socket.getProtocol() !== 'TLSv1.3') return undefined;
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  }
  if (type === 'tls-unique') {
    if (socket.getProtocol() !== 'TLSv1.2' || socket.isSessionReused()) return undefined;
    return socket.getPeerFinished();
  }
  if (type !== 'tls-server-end-point') return undefined;
  const certificate: PeerCertificate | DetailedPeerCertificate | object | null = socket.getCertificate();
  if (!certificate || !('raw' in certificate)) return undefined;
  return endPointHash(new X509Certificate(certificate.raw).raw);
}

/** The hash of a certificate in DER by the hash of its own signature; undefined when that has none, or several. */
export function endPointHash(certificate: Buffer): Buffer | undefined {
  // Certificate ::= SEQUENCE { tbsCertificate, SEQUENCE { algorithm OID, ... }, signature } (RFC 5280 §4.1)
  const whole = element(certificate, 0);
  const signed = whole && element(certificate, whole.start);
  const algorithm = signed && element(certificate, signed.end);
  const oid = algorithm && element(certificate, algorithm.start);
  const hash = oid && HASHES[certificate.toString('hex', oid.start, oid.end)];
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}

/** Where the content of the DER element at an offset is. */
function element(der: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  const first = der[at + 1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const bytes = first & 0x7f;
  if (bytes < 1 || bytes > 4 || at + 2 + bytes > der.length) return undefined;
  const start = at + 2 + bytes;
  return { start, end: start + der.readUIntBE(at + 2, bytes) };
}
