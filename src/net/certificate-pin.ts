import { createHash, X509Certificate } from 'node:crypto';

/** `sha256:BASE64` of a certificate's SubjectPublicKeyInfo (RFC 7469 §2.4), from DER or PEM. */
export function certificatePin(certificate: Buffer | string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(key).digest('base64')}`;
}
