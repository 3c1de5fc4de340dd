import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certificatePin } from '../../src/net/certificate-pin.ts';
import { InspectError, inspectCertificates, readCertificates, readKeyIfAny } from '../../src/pki/inspect.ts';
import { makeChain, OpensslFolder } from './openssl.ts';

const folder = new OpensslFolder();
afterAll(() => folder[Symbol.dispose]());
beforeAll(() => makeChain(folder, ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']));

const file = (name: string) => readFileSync(join(folder.path, name));
const inspectFiles = (...names: string[]) =>
  inspectCertificates(readCertificates(Buffer.concat(names.map(name => file(`${name}.crt`)))));

it('tells names, issuer, key, validity and pin', () => {
  const [leaf, issuing] = inspectFiles('leaf', 'issuing').certificates;
  expect(leaf).toMatchObject({
    names: ['mail.example.org', '127.0.0.1'],
    subject: 'O=Example, CN=mail.example.org',
    issuer: 'O=Example, CN=Issuing',
    serial: '07',
    key: 'P-384',
    daysLeft: 89,
    validity: 'valid',
    authority: false,
    selfSigned: false,
    pin: certificatePin(file('leaf.crt')),
  });
  expect(issuing).toMatchObject({ names: ['Issuing'], authority: true, key: 'P-256' });
});

it('judges validity by the time', () => {
  const certificates = readCertificates(file('leaf.crt'));
  const at = (days: number) =>
    inspectCertificates(certificates, { now: Date.now() + days * 86_400_000 }).certificates[0];
  expect(at(0)?.validity).toBe('valid');
  expect(at(91)).toMatchObject({ validity: 'expired', daysLeft: -2 });
  expect(at(-1)?.validity).toBe('not-yet');
});

it.each([
  ['single', ['leaf']],
  ['to-authority', ['leaf', 'issuing']],
  ['complete', ['leaf', 'issuing', 'root']],
  ['complete', ['root']],
  ['disordered', ['leaf', 'root', 'issuing']],
  ['disordered', ['root', 'issuing', 'leaf']],
  ['broken', ['leaf', 'root']],
  ['broken', ['leaf', 'leaf']],
])('calls the chain %s: %j', (state, names) => {
  expect(inspectFiles(...names).chain).toBe(state);
});

it('says whether the key is that of the certificate', () => {
  const certificates = readCertificates(file('leaf.crt'));
  const matches = (name: string) => inspectCertificates(certificates, { key: readKeyIfAny(file(name)) }).keyMatches;
  expect(matches('leaf.key')).toBe(true);
  expect(matches('root.key')).toBe(false);
  expect(matches('root.crt')).toBeUndefined();
});

it('reads DER, and complains of what is no certificate', () => {
  folder.run('x509', '-in', 'leaf.crt', '-outform', 'der', '-out', 'leaf.der');
  expect(readCertificates(file('leaf.der'))[0]?.serialNumber).toBe('07');
  folder.run('pkey', '-in', 'leaf.key', '-aes128', '-passout', 'pass:x', '-out', 'secret.key');
  expect(() => readCertificates(file('leaf.key'))).toThrow(InspectError);
  expect(() => readCertificates(Buffer.alloc(0))).toThrow(/holds no certificate/);
  expect(() => readCertificates(Buffer.from([0x30, 3, 2, 1, 3]))).toThrow(/certs import/);
  expect(() => readKeyIfAny(file('secret.key'))).toThrow(/encrypted/);
});
