import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { generateKey, privateKeyPem, signingAlgorithm, webCryptoPair } from './keys.ts';
import { isPermitted, NAME_CONSTRAINTS_OID, nameConstraints, permittedNames } from './name-constraints.ts';
import type { SubjectName } from './subject-names.ts';
import { loadX509 } from './x509.ts';

/** Longest life of a server certificate that browsers and Apple's mail clients accept (CA/Browser Forum BR §6.3.2). */
export const LONGEST_LEAF_DAYS = 397;

const AUTHORITY_DAYS = 3650;
const DAY_MS = 86_400_000;
/** Certificates begin a little in the past, for clients whose clocks are behind. */
const CLOCK_SLACK_MS = 3_600_000;

/** A certificate and its private key, both PEM (the key PKCS#8). */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** An authority that can sign. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

export interface AuthorityOptions {
  /** Common name, at most 64 characters. */
  readonly name: string;
  /** The only domains (with all below them) and addresses it may ever issue for; absent = any. */
  readonly permitted?: readonly SubjectName[];
  readonly now?: number;
}

/**
 * Makes a development authority: self-signed, P-256, ten years. It can sign server certificates and nothing else (no
 * authority below it, no client certificates, only the permitted names), since people put its certificate in trust stores.
 */
export async function makeAuthority(options: AuthorityOptions): Promise<Issued> {
  if (options.name === '' || options.name.length > 64)
    throw new Error('the name of an authority has 1 to 64 characters');
  const x509 = await loadX509();
  const key = generateKey('p256');
  const keys = await webCryptoPair(key);
  const notBefore = new Date((options.now ?? Date.now()) - CLOCK_SLACK_MS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: new x509.Name([{ CN: [{ utf8String: options.name }] }]),
    notBefore,
    notAfter: new Date(notBefore.getTime() + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: signingAlgorithm(key),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ...(options.permitted?.length ? [await nameConstraints(options.permitted)] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: withLineEnd(certificate.toString('pem')), key: privateKeyPem(key) };
}

export interface ServerCertificateOptions {
  /** At least one; the first is also the common name. */
  readonly names: readonly SubjectName[];
  /** Days it is valid; at most 397, which is the default. Never longer than the authority. */
  readonly days?: number;
  readonly now?: number;
}

/** Issues a server certificate with a new P-256 key. @throws Error when the authority may or can not sign it */
export async function issueServerCertificate(
  authority: Authority,
  { names, days = LONGEST_LEAF_DAYS, now = Date.now() }: ServerCertificateOptions,
): Promise<Issued> {
  const [first] = names;
  if (!first) throw new Error('a server certificate needs at least one name');
  if (!(days >= 1 && days <= LONGEST_LEAF_DAYS)) throw new Error(`days must be 1 to ${LONGEST_LEAF_DAYS}`);
  checkAuthority(authority, now);
  const x509 = await loadX509();
  const key = generateKey('p256');
  const { publicKey } = await webCryptoPair(key);
  const issuer = new x509.X509Certificate(authority.certificate.raw);
  const constraints = issuer.getExtension(NAME_CONSTRAINTS_OID);
  const permitted = constraints ? await permittedNames(Buffer.from(constraints.value)) : [];
  const outside = permitted.length > 0 ? names.find(name => !isPermitted(name, permitted)) : undefined;
  if (outside) throw new Error(`the authority is not permitted to issue for ${outside.value}`);
  const notBefore = new Date(now - CLOCK_SLACK_MS);
  const end = Math.min(notBefore.getTime() + days * DAY_MS, authority.certificate.validToDate.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // A common name has at most 64 characters; clients read only the alternative names.
    subject: new x509.Name(first.value.length <= 64 ? [{ CN: [{ utf8String: first.value }] }] : []),
    issuer: issuer.subjectName,
    notBefore,
    notAfter: new Date(end),
    signingAlgorithm: signingAlgorithm(authority.key),
    signingKey: (await webCryptoPair(authority.key)).privateKey,
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      // Critical when the subject is empty (RFC 5280 §4.2.1.6).
      new x509.SubjectAlternativeNameExtension(
        names.map(({ type, value }) => ({ type, value })),
        first.value.length > 64,
      ),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  const pem = withLineEnd(certificate.toString('pem'));
  if (!new X509Certificate(pem).verify(authority.certificate.publicKey))
    throw new Error('the signature does not verify');
  return { certificate: pem, key: privateKeyPem(key) };
}

function checkAuthority({ certificate, key }: Authority, now: number): void {
  if (!certificate.ca) throw new Error("the authority's certificate is not one that may sign others");
  if (!certificate.checkPrivateKey(key)) throw new Error("the authority's certificate and key do not belong together");
  if (certificate.validToDate.getTime() <= now)
    throw new Error("the authority's certificate has expired; make a new one");
}

/** 16 random bytes, positive and without leading zeros in DER (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function withLineEnd(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}
