import { createDecipheriv } from 'node:crypto';
import type { Ber } from './ber.ts';
import { loadForge } from './forge.ts';
import { Pkcs12Error } from './pkcs12-error.ts';
import { deriveKey, derivePbkdf2, type PasswordForm, PURPOSE } from './pkcs12-password.ts';

const PBES2_OID = '1.2.840.113549.1.5.13';
const PBKDF2_OID = '1.2.840.113549.1.5.12';

/** The schemes of RFC 7292 appendix C that exporters have used; all derive with SHA-1. */
const PKCS12_SCHEMES: Readonly<Record<string, { cipher: 'des-ede3-cbc' | 'des-ede-cbc' | 'rc2-cbc'; bytes: number }>> =
  {
    '1.2.840.113549.1.12.1.3': { cipher: 'des-ede3-cbc', bytes: 24 },
    '1.2.840.113549.1.12.1.4': { cipher: 'des-ede-cbc', bytes: 16 },
    '1.2.840.113549.1.12.1.5': { cipher: 'rc2-cbc', bytes: 16 },
    '1.2.840.113549.1.12.1.6': { cipher: 'rc2-cbc', bytes: 5 },
  };

const PBES2_CIPHERS: Readonly<Record<string, { cipher: string; bytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { cipher: 'aes-128-cbc', bytes: 16 },
  '2.16.840.1.101.3.4.1.22': { cipher: 'aes-192-cbc', bytes: 24 },
  '2.16.840.1.101.3.4.1.42': { cipher: 'aes-256-cbc', bytes: 32 },
  '1.2.840.113549.3.7': { cipher: 'des-ede3-cbc', bytes: 24 },
};

const PBES2_HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

/**
 * Decrypts what an AlgorithmIdentifier says how to. Undefined when the padding does not come out, that is (almost always)
 * when the password is another one. @throws Pkcs12Error unsupported; BerError
 */
export async function decrypt(algorithm: Ber, data: Buffer, password: PasswordForm): Promise<Buffer | undefined> {
  const oid = algorithm.at(0).oid;
  if (oid === PBES2_OID) return decryptPbes2(algorithm.at(1), data, password);
  const scheme = PKCS12_SCHEMES[oid];
  if (!scheme) throw unsupported(oid);
  const parameters = algorithm.at(1);
  const derivation = { hash: 'sha1', salt: parameters.at(0).octets, iterations: parameters.at(1).number };
  const key = deriveKey(password, PURPOSE.key, derivation, scheme.bytes);
  const iv = deriveKey(password, PURPOSE.iv, derivation, 8);
  if (scheme.cipher === 'rc2-cbc') return decryptRc2(key, iv, data);
  // Two-key 3DES is three-key 3DES with the first key again as the third.
  const tripleKey = scheme.cipher === 'des-ede-cbc' ? Buffer.concat([key, key.subarray(0, 8)]) : key;
  return decipher('des-ede3-cbc', tripleKey, iv, data);
}

function decryptPbes2(parameters: Ber, data: Buffer, password: PasswordForm): Buffer | undefined {
  const [derivation, encryption] = [parameters.at(0), parameters.at(1)];
  if (derivation.at(0).oid !== PBKDF2_OID) throw unsupported(derivation.at(0).oid);
  const scheme = PBES2_CIPHERS[encryption.at(0).oid];
  if (!scheme) throw unsupported(encryption.at(0).oid);
  const details = derivation.at(1);
  // SHA-1 is the default and may be left out; a key length in front of it is optional, too (RFC 8018 appendix A.2).
  const prf = details.parts.slice(2).find(part => part.is('sequence'));
  const hash = prf ? PBES2_HASHES[prf.at(0).oid] : 'sha1';
  if (hash === undefined) throw unsupported(prf?.at(0).oid ?? '');
  const key = derivePbkdf2(
    password,
    { hash, salt: details.at(0).octets, iterations: details.at(1).number },
    scheme.bytes,
  );
  return decipher(scheme.cipher, key, encryption.at(1).octets, data);
}

function decipher(cipher: string, key: Buffer, iv: Buffer, data: Buffer): Buffer | undefined {
  try {
    const stream = createDecipheriv(cipher, key, iv);
    return Buffer.concat([stream.update(data), stream.final()]);
  } catch {
    return undefined;
  }
}

async function decryptRc2(key: Buffer, iv: Buffer, data: Buffer): Promise<Buffer | undefined> {
  const forge = await loadForge();
  const cipher = forge.rc2.createDecryptionCipher(key.toString('latin1'), key.length * 8);
  cipher.start(iv.toString('latin1'));
  cipher.update(forge.util.createBuffer(data.toString('latin1')));
  if (data.length === 0 || data.length % 8 !== 0 || !cipher.finish()) return undefined;
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}

function unsupported(oid: string): Pkcs12Error {
  return new Pkcs12Error(
    'unsupported',
    `the file is encrypted by an algorithm that is not supported (${oid}); export it again with AES256-SHA256 or TripleDES-SHA1`,
  );
}
