import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Ber, BerError } from './ber.ts';
import { loadForge } from './forge.ts';
import { decrypt } from './pkcs12-cipher.ts';
import { Pkcs12Error } from './pkcs12-error.ts';
import { deriveKey, type PasswordForm, PURPOSE, passwordForms } from './pkcs12-password.ts';

/** What a PKCS#12 file holds, decrypted but not interpreted: DER of PKCS#8 keys and of X.509 certificates. */
export interface Pkcs12Contents {
  readonly keys: readonly Buffer[];
  readonly certificates: readonly Buffer[];
}

const DATA_OID = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA_OID = '1.2.840.113549.1.7.6';
const X509_CERTIFICATE_OID = '1.2.840.113549.1.9.22.1';
const BAG = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  nested: '1.2.840.113549.1.12.10.1.6',
};

const MAC_HASHES: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** More than any certificate store exports; parsing takes memory many times the size. */
const MOST_BYTES = 10_000_000;

/** Opens a PFX (RFC 7292 §4). @throws Pkcs12Error */
export async function openPkcs12(file: Buffer, password: string): Promise<Pkcs12Contents> {
  if (file.length > MOST_BYTES) throw new Pkcs12Error('unreadable', 'the file is too large to be a PKCS#12 file');
  const { asn1 } = await loadForge();
  const der: Der = {
    parse: bytes => new Ber(asn1.fromDer(bytes.toString('latin1'))),
    encode: ber => Buffer.from(asn1.toDer(ber.node).getBytes(), 'latin1'),
  };
  try {
    return await openParsed(der.parse(file), password, der);
  } catch (error) {
    if (error instanceof Pkcs12Error) throw error;
    throw new Pkcs12Error('unreadable', 'this is not a PKCS#12 (.pfx, .p12) file, or it is damaged', error);
  }
}

interface Der {
  readonly parse: (bytes: Buffer) => Ber;
  readonly encode: (ber: Ber) => Buffer;
}

async function openParsed(pfx: Ber, password: string, der: Der): Promise<Pkcs12Contents> {
  if (pfx.at(0).number !== 3) throw new BerError('not version 3');
  const authSafe = pfx.at(1);
  if (authSafe.at(0).oid !== DATA_OID) {
    throw new Pkcs12Error('unsupported', 'the file is protected by a public key; export it again with a password');
  }
  const content = authSafe.at(1).at(0).octets;
  const safe = der.parse(content);
  const mac = pfx.parts[2];
  const forms = passwordForms(password);
  const proven = mac && forms.find(form => macMatches(mac, content, form));
  if (mac && !proven) throw wrongPassword();
  // The MAC proves the UTF-16 form only, and without one all that is left is to try: then what a wrong password decrypts to
  // is not to be told from a damaged file.
  for (const form of forms) {
    if (proven && !form.bmp.equals(proven.bmp)) continue;
    try {
      const contents = await collect(safe, form, der);
      if (contents) return contents;
    } catch (error) {
      if (proven || error instanceof Pkcs12Error) throw error;
    }
  }
  if (proven) throw new Pkcs12Error('unreadable', 'the password fits, but what it encrypts is damaged');
  throw wrongPassword();
}

function wrongPassword(): Pkcs12Error {
  return new Pkcs12Error('wrong-password', 'the password is wrong');
}

function macMatches(mac: Ber, content: Buffer, password: PasswordForm): boolean {
  const oid = mac.at(0).at(0).at(0).oid;
  const hash = MAC_HASHES[oid];
  if (hash === undefined) {
    throw new Pkcs12Error(
      'unsupported',
      `the file's integrity check (${oid}) is not supported; export it with SHA-256`,
    );
  }
  const expected = mac.at(0).at(1).octets;
  const derivation = { hash, salt: mac.at(1).octets, iterations: mac.parts[2]?.number ?? 1 };
  const key = deriveKey(password, PURPOSE.mac, derivation, createHash(hash).digest().length);
  const actual = createHmac(hash, key).update(content).digest();
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

/** Undefined when something did not decrypt. @throws BerError, Pkcs12Error */
async function collect(safe: Ber, password: PasswordForm, der: Der): Promise<Pkcs12Contents | undefined> {
  const keys: Buffer[] = [];
  const certificates: Buffer[] = [];

  const readBags = async (bags: Ber): Promise<boolean> => {
    for (const bag of bags.parts) {
      const kind = bag.at(0).oid;
      const value = bag.at(1).at(0);
      if (kind === BAG.certificate && value.at(0).oid === X509_CERTIFICATE_OID) {
        certificates.push(value.at(1).at(0).octets);
      } else if (kind === BAG.key) {
        keys.push(der.encode(value));
      } else if (kind === BAG.shroudedKey) {
        const key = await decrypt(value.at(0), value.at(1).octets, password);
        if (!key) return false;
        // Read for its shape only: what a wrong password leaves may have the right padding by chance.
        der.parse(key).at(0).number;
        keys.push(key);
      } else if (kind === BAG.nested && !(await readBags(value))) {
        return false;
      }
    }
    return true;
  };

  for (const info of safe.parts) {
    const plain = await contentOf(info, password);
    if (!plain || !(await readBags(der.parse(plain)))) return undefined;
  }
  return { keys, certificates };
}

/** DER of the bags in one ContentInfo, decrypted if it is encrypted. */
async function contentOf(info: Ber, password: PasswordForm): Promise<Buffer | undefined> {
  const kind = info.at(0).oid;
  const content = info.at(1).at(0);
  if (kind === DATA_OID) return content.octets;
  if (kind !== ENCRYPTED_DATA_OID) {
    throw new Pkcs12Error('unsupported', 'the file is protected by a public key; export it again with a password');
  }
  const encrypted = content.at(1);
  return decrypt(encrypted.at(1), encrypted.at(2).octets, password);
}
