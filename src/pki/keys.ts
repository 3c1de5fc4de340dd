import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, type webcrypto } from 'node:crypto';

export type KeyKind = 'p256' | 'rsa';

/** RSA below this is refused by today's clients; above, handshakes cost more without anyone asking for it. */
const RSA_BITS = 3072;

export function generateKey(kind: KeyKind): KeyObject {
  return kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: RSA_BITS }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** PKCS#8 PEM, unencrypted: what servers read, and what the `tls` configuration wants. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

/** A private key from PEM. @throws Error when it is none, or encrypted */
export function parsePrivateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** `P-256`, `RSA 2048`, `ED25519` ... for people. */
export function describeKey(key: KeyObject): string {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case 'ec':
      return NIST_NAMES[details?.namedCurve ?? ''] ?? `EC ${details?.namedCurve ?? 'with its own curve'}`;
    case 'rsa':
    case 'rsa-pss':
      return `RSA ${details?.modulusLength}`;
    default:
      return (key.asymmetricKeyType ?? 'unknown').toUpperCase();
  }
}

/** A key pair as the X.509 library signs with it. @throws Error for a key that cannot sign certificates */
export async function webCryptoPair(key: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = signingAlgorithm(key);
  return {
    privateKey: key.toCryptoKey(algorithm, true, ['sign']),
    publicKey: createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).toCryptoKey(algorithm, true, ['verify']),
  };
}

/** How to sign with the key: ECDSA with the hash that fits its curve (RFC 5480 §4), or RSA PKCS#1 with SHA-256. */
export function signingAlgorithm(key: KeyObject): SigningAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const namedCurve = NIST_NAMES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (key.asymmetricKeyType === 'ec' && namedCurve !== undefined) {
    return { name: 'ECDSA', namedCurve, hash: { 'P-256': 'SHA-256', 'P-384': 'SHA-384' }[namedCurve] ?? 'SHA-512' };
  }
  throw new Error(`a key of type ${describeKey(key)} cannot sign certificates here; use P-256 or RSA`);
}

type SigningAlgorithm =
  | { readonly name: 'RSASSA-PKCS1-v1_5'; readonly hash: string }
  | { readonly name: 'ECDSA'; readonly namedCurve: string; readonly hash: string };

const NIST_NAMES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};
