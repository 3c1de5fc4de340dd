import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { daysLeft } from '../net/certificate-expiry.ts';
import { certificateNames, shortName } from '../net/certificate-names.ts';
import { certificatePin } from '../net/certificate-pin.ts';
import { isIssuedBy, isSelfSigned, orderChain } from './chain.ts';
import { describeKey } from './keys.ts';

/** One certificate, for people. */
export interface CertificateReport {
  /** DNS names and addresses; the subject's common name for an authority. */
  readonly names: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serial: string;
  /** `P-256`, `RSA 2048` ... */
  readonly key: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whole days; negative once expired. */
  readonly daysLeft: number;
  readonly validity: 'valid' | 'expired' | 'not-yet';
  /** `sha256:...` of the public key, as `pin` in the configuration takes it. */
  readonly pin: string;
  readonly authority: boolean;
  readonly selfSigned: boolean;
}

/**
 * How the certificates stand to each other: `complete` reaches a self-signed authority; `to-authority` lacks only its last
 * issuer, which clients have in their trust store; `disordered` has all links, but not in order, leaf first; `broken` holds
 * certificates that are no part of the chain; `single` is a leaf alone that an intermediate may be missing behind.
 */
export type ChainState = 'complete' | 'to-authority' | 'single' | 'disordered' | 'broken';

export interface InspectionReport {
  readonly certificates: readonly CertificateReport[];
  readonly chain: ChainState;
  /** Whether the private key is that of the first certificate; undefined without a key. */
  readonly keyMatches: boolean | undefined;
}

/** What was handed in holds nothing that can be looked at. */
export class InspectError extends Error {
  override readonly name = 'InspectError';
}

/** Certificates in a PEM text (in its order) or a DER file. @throws InspectError */
export function readCertificates(content: Buffer): X509Certificate[] {
  const text = content.toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  try {
    if (blocks) return blocks.map(block => new X509Certificate(block));
    if (content[0] === 0x30) return [new X509Certificate(content)];
  } catch (error) {
    throw new InspectError(
      blocks ? 'a certificate in it is damaged' : 'it is not a certificate (a .pfx is read by: postern certs import)',
      { cause: error },
    );
  }
  throw new InspectError('it holds no certificate');
}

/** The private key in a PEM text, if there is one. @throws InspectError for one that cannot be read, or is encrypted */
export function readKeyIfAny(content: Buffer): KeyObject | undefined {
  const text = content.toString('latin1');
  const block = /-----BEGIN ([A-Z0-9]+ )?PRIVATE KEY-----[\s\S]*?-----END \1?PRIVATE KEY-----/.exec(text)?.[0];
  if (block === undefined) return undefined;
  try {
    return createPrivateKey(block);
  } catch (error) {
    throw new InspectError('its private key cannot be read, or is encrypted', { cause: error });
  }
}

/** Looks at certificates in the order they are sent, and at the key they should belong to. */
export function inspectCertificates(
  certificates: readonly X509Certificate[],
  { key, now = Date.now() }: { key?: KeyObject | undefined; now?: number } = {},
): InspectionReport {
  const [leaf] = certificates;
  if (!leaf) throw new InspectError('there is no certificate');
  return {
    certificates: certificates.map(certificate => report(certificate, now)),
    chain: chainState(leaf, certificates),
    keyMatches: key ? leaf.checkPrivateKey(key) : undefined,
  };
}

function report(certificate: X509Certificate, now: number): CertificateReport {
  const { dns, addresses } = certificateNames(certificate);
  const names = [...dns, ...addresses];
  return {
    names: names.length > 0 && certificate.subjectAltName ? names : [shortName(certificate.subject)],
    subject: certificate.subject.replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    serial: certificate.serialNumber.toLowerCase(),
    key: describeKey(certificate.publicKey),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    daysLeft: daysLeft(certificate.validToDate, now),
    validity: validity(certificate, now),
    pin: certificatePin(certificate.raw),
    authority: certificate.ca,
    selfSigned: isSelfSigned(certificate),
  };
}

function validity(certificate: X509Certificate, now: number): CertificateReport['validity'] {
  if (certificate.validToDate.getTime() <= now) return 'expired';
  return certificate.validFromDate.getTime() > now ? 'not-yet' : 'valid';
}

function chainState(leaf: X509Certificate, certificates: readonly X509Certificate[]): ChainState {
  const inOrder = certificates.every((one, index) => {
    const previous = certificates[index - 1];
    return !previous || isIssuedBy(previous, one);
  });
  if (inOrder) {
    if (certificates.some(isSelfSigned)) return 'complete';
    return certificates.length > 1 ? 'to-authority' : 'single';
  }
  // The leaf may stand anywhere: some first certificate from which a chain takes in all the others.
  const whole = [leaf, ...certificates].some(one => orderChain(one, certificates).chain.length === certificates.length);
  return whole ? 'disordered' : 'broken';
}
