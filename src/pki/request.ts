import { generateKey, type KeyKind, privateKeyPem, signingAlgorithm, webCryptoPair } from './keys.ts';
import type { SubjectName } from './subject-names.ts';
import { loadX509 } from './x509.ts';

/** A certificate signing request (RFC 2986) and the private key it is for, both PEM. */
export interface CertificateRequest {
  readonly request: string;
  readonly key: string;
}

/**
 * Makes a key and asks for a server certificate for these names. What is asked for (names, server use) is an extension
 * request: authorities take it over, or replace it by their own template, as Windows' do.
 */
export async function makeRequest(names: readonly SubjectName[], kind: KeyKind): Promise<CertificateRequest> {
  const [first] = names;
  if (!first) throw new Error('a certificate request needs at least one name');
  const x509 = await loadX509();
  const key = generateKey(kind);
  const usage = x509.KeyUsageFlags.digitalSignature | (kind === 'rsa' ? x509.KeyUsageFlags.keyEncipherment : 0);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    // A common name has at most 64 characters.
    name: new x509.Name(first.value.length <= 64 ? [{ CN: [{ utf8String: first.value }] }] : []),
    keys: await webCryptoPair(key),
    signingAlgorithm: signingAlgorithm(key),
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map(({ type, value }) => ({ type, value }))),
      new x509.KeyUsagesExtension(usage, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  return { request: `${request.toString('pem').trimEnd()}\n`, key: privateKeyPem(key) };
}
