import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  type GeneralNameType,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** PEM texts and the files they are in. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Server certificates of a throw-away authority, P-256, made once per test file and deleted after it. */
export interface TestCa {
  /** The authority's certificate. */
  readonly pem: string;
  readonly file: string;
  /** For localhost, 127.0.0.1 and ::1. */
  readonly good: TestCertificate;
  /** The same names, another key. */
  readonly renewed: TestCertificate;
  /** For somewhere.else.test only. */
  readonly wrongHost: TestCertificate;
  readonly expired: TestCertificate;
  /** The right names, from an authority nobody trusts. */
  readonly rogue: TestCertificate;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
const HERE: readonly (readonly [GeneralNameType, string])[] = [
  ['dns', 'localhost'],
  ['ip', '127.0.0.1'],
  ['ip', '::1'],
];

const folders: string[] = [];
let made: Promise<TestCa> | undefined;

function removeAll(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

process.once('exit', removeAll);
// Processes of the test runner are ended from outside and never come to their exit.
if (process.env.VITEST) (await import('vitest')).afterAll(removeAll);

export function testCa(): Promise<TestCa> {
  made ??= make();
  return made;
}

async function make(): Promise<TestCa> {
  cryptoProvider.set(webcrypto);
  const folder = mkdtempSync(join(tmpdir(), 'postern-ca-'));
  folders.push(folder);
  const trusted = await authority('CN=Postern test authority');
  const rogue = await authority('CN=Postern rogue authority');
  const file = join(folder, 'ca.crt');
  const pem = trusted.certificate.toString('pem');
  writeFileSync(file, pem);
  const issue = async (name: string, by: typeof trusted, names = HERE, days: [number, number] = [-1, 30]) => {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
      subject: `CN=${name}`,
      issuer: by.certificate.subject,
      notBefore: new Date(Date.now() + days[0] * DAY_MS),
      notAfter: new Date(Date.now() + days[1] * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: by.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [new SubjectAlternativeNameExtension(names.map(([type, value]) => ({ type, value })))],
    });
    const key = toPem(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const files = { certificateFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) };
    const text = certificate.toString('pem');
    writeFileSync(files.certificateFile, text);
    writeFileSync(files.keyFile, key, { mode: 0o600 });
    return { certificate: text, key, ...files };
  };
  return {
    pem,
    file,
    good: await issue('good', trusted),
    renewed: await issue('renewed', trusted),
    wrongHost: await issue('wrong-host', trusted, [['dns', 'somewhere.else.test']]),
    expired: await issue('expired', trusted, HERE, [-30, -1]),
    rogue: await issue('rogue', rogue),
  };
}

async function authority(subject: string) {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: subject,
    keys,
    notBefore: new Date(Date.now() - 60 * DAY_MS),
    notAfter: new Date(Date.now() + 60 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { keys, certificate };
}

function toPem(pkcs8: ArrayBuffer): string {
  const lines =
    Buffer.from(pkcs8)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}
