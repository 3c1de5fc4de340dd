import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { certificateNames, shortName } from './certificate-names.ts';

/** Where a listener's certificate is: PEM, the leaf first and its chain behind it, and the private key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate and key that were read and belong together. */
export interface CertificatePair {
  readonly files: CertificateFiles;
  /** PEM as it stands in the files. */
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly leaf: X509Certificate;
  /** DNS names of the leaf, in lower case. */
  readonly names: readonly string[];
  /** Every name, addresses included, for people. */
  readonly shownNames: readonly string[];
  readonly issuer: string;
  readonly notAfter: Date;
}

/** A certificate or key that cannot be used; the message names the file and says what to do. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly file: string;
  /** The message without the file. */
  readonly reason: string;

  constructor(file: string, reason: string, cause?: unknown) {
    super(`${file}: ${reason}`, { cause });
    this.file = file;
    this.reason = reason;
  }
}

/** Reads a pair and proves that it can serve. @throws CertificateError */
export function readPair(files: CertificateFiles): CertificatePair {
  const certificate = readBytes(files.certificate);
  const key = readBytes(files.key);
  const chain = parseCertificates(files.certificate, certificate);
  const [leaf] = chain;
  if (!leaf) {
    throw new CertificateError(
      files.certificate,
      'holds no PEM certificate (postern certs import makes one of a .pfx)',
    );
  }
  const privateKey = parseKey(files.key, key);
  if (!leaf.checkPrivateKey(privateKey)) {
    const later = chain.slice(1).some(one => one.checkPrivateKey(privateKey));
    throw new CertificateError(
      files.certificate,
      later
        ? "the server's own certificate must come first, its chain behind it"
        : `the certificate of ${shortName(leaf.subject)} does not belong to the key ${files.key}`,
    );
  }
  try {
    createSecureContext({ cert: certificate, key });
  } catch (error) {
    throw new CertificateError(files.certificate, `cannot be used for TLS: ${messageOf(error)}`, error);
  }
  const { dns, addresses } = certificateNames(leaf);
  return {
    files,
    certificate,
    key,
    leaf,
    names: dns,
    shownNames: [...dns, ...addresses],
    issuer: shortName(leaf.issuer),
    notAfter: leaf.validToDate,
  };
}

/** Certificates of a PEM text in its order. @throws CertificateError for one that is damaged */
function parseCertificates(file: string, text: Buffer): X509Certificate[] {
  const blocks = text.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*(-----END CERTIFICATE-----)?/g) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new CertificateError(file, `certificate number ${index + 1} in it is damaged or cut off`, error);
    }
  });
}

function parseKey(file: string, text: Buffer): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(text.toString('latin1'));
    throw new CertificateError(
      file,
      encrypted
        ? 'the key is encrypted; write it without a password (openssl pkey) and protect the file instead'
        : 'holds no PEM private key',
      error,
    );
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CertificateError(file, `cannot be read: ${messageOf(error)}`, error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
