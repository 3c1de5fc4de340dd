import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isSelfSigned, orderChain } from './chain.ts';
import { openPkcs12 } from './pkcs12-bags.ts';
import { Pkcs12Error } from './pkcs12-error.ts';

/** What a server needs of a PKCS#12 file. */
export interface Imported {
  readonly key: KeyObject;
  readonly leaf: X509Certificate;
  /** Issuers of the leaf in order, without the root: what a server sends behind its own certificate. */
  readonly intermediates: readonly X509Certificate[];
  /** The self-signed authority at the end, if it is in the file. */
  readonly root: X509Certificate | undefined;
}

/**
 * Reads a PKCS#12 file as Windows, OpenSSL and Java export it: RSA and EC keys, AES, 3DES or RC2. The structure is opened
 * here and the key and certificates are left to OpenSSL, because node-forge alone gives EC keys as null without an
 * error and OpenSSL alone refuses RC2. @throws Pkcs12Error
 */
export async function importPkcs12(file: Buffer, password: string): Promise<Imported> {
  const contents = await openPkcs12(file, password);
  const keys = contents.keys
    .filter((key, index, all) => all.findIndex(other => other.equals(key)) === index)
    .map(readKey);
  const certificates = contents.certificates.map(readCertificate);
  if (keys.length === 0) {
    throw new Pkcs12Error('no-key', 'the file holds no private key; export it again with "export the private key"');
  }
  const pairs = keys.flatMap(key =>
    certificates.filter(certificate => certificate.checkPrivateKey(key)).map(certificate => ({ key, certificate })),
  );
  const [pair, ...others] = newestOfEachKey(pairs);
  if (!pair) throw new Pkcs12Error('no-certificate', 'the file holds no certificate that belongs to its private key');
  if (others.length > 0) {
    const subjects = [pair, ...others].map(({ certificate }) => certificate.subject.replaceAll('\n', ', ')).join('; ');
    throw new Pkcs12Error('ambiguous', `the file holds several keys with certificates (${subjects}); export only one`);
  }
  const { chain } = orderChain(pair.certificate, certificates);
  const issuers = chain.slice(1);
  const root = issuers.find(isSelfSigned);
  return {
    key: pair.key,
    leaf: pair.certificate,
    intermediates: issuers.filter(certificate => certificate !== root),
    root,
  };
}

/** A key that was certified again keeps its old certificate in the store, and both are exported. */
function newestOfEachKey(pairs: readonly { key: KeyObject; certificate: X509Certificate }[]) {
  const newest = new Map<KeyObject, { key: KeyObject; certificate: X509Certificate }>();
  for (const pair of pairs) {
    const known = newest.get(pair.key);
    if (!known || known.certificate.validToDate < pair.certificate.validToDate) newest.set(pair.key, pair);
  }
  return [...newest.values()];
}

function readKey(der: Buffer): KeyObject {
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch (error) {
    throw new Pkcs12Error('unsupported', 'the private key is of a kind that TLS servers do not use', error);
  }
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new Pkcs12Error('unreadable', 'a certificate in the file is damaged', error);
  }
}
