import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import forge from 'node-forge';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ber } from '../../src/pki/ber.ts';
import { importPkcs12 } from '../../src/pki/pkcs12.ts';
import { Pkcs12Error } from '../../src/pki/pkcs12-error.ts';
import fc from '../support/fast-check.ts';
import { makeChain, OpensslFolder } from './openssl.ts';

const KINDS = {
  rsa: ['rsa', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
};
type Kind = keyof typeof KINDS;

const folders = new Map<Kind, OpensslFolder>();

beforeAll(() => {
  for (const kind of ['rsa', 'p256', 'p384'] as const) {
    const folder = new OpensslFolder();
    folders.set(kind, folder);
    makeChain(folder, KINDS[kind]);
    const chain = ['root', 'issuing'].map(name => readFileSync(join(folder.path, `${name}.crt`), 'utf8'));
    folder.write('chain.pem', chain.join(''));
  }
});

afterAll(() => {
  for (const folder of folders.values()) folder[Symbol.dispose]();
});

function folderOf(kind: Kind): OpensslFolder {
  const folder = folders.get(kind);
  if (!folder) throw new Error('not made');
  return folder;
}

/** A PKCS#12 of the leaf, its key and the chain (root first: the wrong order). */
function exportPkcs12(kind: Kind, password: string, ...options: string[]): Buffer {
  const base = ['pkcs12', '-export', '-inkey', 'leaf.key', '-in', 'leaf.crt', '-certfile', 'chain.pem'];
  folderOf(kind).run(...base, '-passout', `pass:${password}`, '-out', 'out.pfx', ...options);
  return readFileSync(join(folderOf(kind).path, 'out.pfx'));
}

async function problemOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'none';
  } catch (error) {
    if (error instanceof Pkcs12Error) return error.kind;
    throw error;
  }
}

const SCHEMES = [
  'AES-128-CBC',
  'AES-192-CBC',
  'AES-256-CBC',
  'PBE-SHA1-3DES',
  'PBE-SHA1-2DES',
  'PBE-SHA1-RC2-128',
  'PBE-SHA1-RC2-40',
  'NONE',
];
const MACS = [['-macalg', 'sha1'], ['-macalg', 'sha256'], ['-macalg', 'sha384'], ['-macalg', 'sha512'], ['-nomac']];

describe.each(['rsa', 'p256', 'p384'] as const)('a PKCS#12 file with a key of kind %s', kind => {
  const combinations = SCHEMES.flatMap((keys, row) =>
    SCHEMES.map((certificates, column) => ({ keys, certificates, mac: MACS[(row + column) % MACS.length] ?? [] })),
  ).filter(({ keys, certificates }, index) => kind === 'p256' || keys === certificates || index % 5 === 0);

  it.each(combinations)(
    'opens with keys $keys, certificates $certificates, $mac',
    async ({ keys, certificates, mac }) => {
      const file = exportPkcs12(kind, 'geheim', '-legacy', '-keypbe', keys, '-certpbe', certificates, ...mac);
      const imported = await importPkcs12(file, 'geheim');
      const folder = folderOf(kind).path;
      expect(imported.key.equals(createPrivateKey(readFileSync(join(folder, 'leaf.key'))))).toBe(true);
      expect(imported.leaf.toString()).toBe(readFileSync(join(folder, 'leaf.crt'), 'utf8'));
      expect(imported.intermediates.map(one => one.subject)).toEqual(['O=Example\nCN=Issuing']);
      expect(imported.root?.subject).toBe('O=Example\nCN=Root');

      // With neither an encrypted key nor a MAC, openssl leaves the certificates unencrypted, too: any password will do.
      const expected = mac.includes('-nomac') && keys === 'NONE' ? 'none' : 'wrong-password';
      expect(await problemOf(importPkcs12(file, 'gehein'))).toBe(expected);
    },
  );

  it('opens as -legacy and as today write it by themselves', async () => {
    for (const options of [['-legacy'], []]) {
      const imported = await importPkcs12(exportPkcs12(kind, 'x', ...options), 'x');
      expect(imported.leaf.subject).toBe('O=Example\nCN=mail.example.org');
    }
  });
});

it.each([
  ['', []],
  ['', ['-legacy']],
  ['', ['-nomac']],
  ['grüße € 😀', []],
  ['grüße € 😀', ['-legacy']],
])('takes the password %j with %j', async (password, options) => {
  const file = exportPkcs12('p256', password, ...options);
  expect((await importPkcs12(file, password)).intermediates).toHaveLength(1);
  expect(await problemOf(importPkcs12(file, `${password} `))).toBe('wrong-password');
});

it('never mistakes a wrong password for a damaged file, nor the other way about', async () => {
  const file = exportPkcs12('p256', 'right');
  expect(await problemOf(importPkcs12(file, ''))).toBe('wrong-password');
  expect(await problemOf(importPkcs12(file.subarray(0, -40), 'right'))).toBe('unreadable');
  expect(await problemOf(importPkcs12(Buffer.from('-----BEGIN CERTIFICATE-----'), 'right'))).toBe('unreadable');
  expect(await problemOf(importPkcs12(Buffer.alloc(0), ''))).toBe('unreadable');
});

it('opens BER of indefinite length with strings in pieces, as older exporters write', async () => {
  const file = exportPkcs12('p256', 'x', '-macalg', 'sha256');
  const { asn1 } = forge;
  const pfx = asn1.fromDer(file.toString('latin1'));
  const [version, authSafe, mac] = Array.isArray(pfx.value) ? pfx.value : [];
  const octets = new Ber(authSafe ?? pfx).at(1).at(0).octets;
  const ends = Buffer.from([0, 0]);
  const piece = (part: Buffer) =>
    Buffer.from(asn1.toDer(asn1.create(asn1.Class.UNIVERSAL, 4, false, part.toString('latin1'))).getBytes(), 'latin1');
  const der = (node: forge.asn1.Asn1 | undefined) => Buffer.from(asn1.toDer(node ?? pfx).getBytes(), 'latin1');
  const dataOid = Buffer.from('06092a864886f70d010701', 'hex');
  const ber = Buffer.concat([
    Buffer.from([0x30, 0x80]),
    der(version),
    ...[Buffer.from([0x30, 0x80]), dataOid, Buffer.from([0xa0, 0x80, 0x24, 0x80])],
    ...[piece(octets.subarray(0, 100)), piece(octets.subarray(100)), ends, ends, ends],
    der(mac),
    ends,
  ]);
  expect((await importPkcs12(ber, 'x')).intermediates).toHaveLength(1);
});

it('says what is missing', async () => {
  const folder = folderOf('p256');
  folder.run('pkcs12', '-export', '-nokeys', '-in', 'leaf.crt', '-passout', 'pass:x', '-out', 'nokey.pfx');
  folder.run('pkcs12', '-export', '-nocerts', '-inkey', 'leaf.key', '-passout', 'pass:x', '-out', 'nocert.pfx');
  const read = (name: string) => readFileSync(join(folder.path, name));
  expect(await problemOf(importPkcs12(read('nokey.pfx'), 'x'))).toBe('no-key');
  expect(await problemOf(importPkcs12(read('nocert.pfx'), 'x'))).toBe('no-certificate');
});

it('leaves out what does not belong to the chain', async () => {
  const folder = folderOf('p256');
  const stranger = readFileSync(join(folderOf('rsa').path, 'root.crt'), 'utf8');
  folder.write('more.pem', stranger + readFileSync(join(folder.path, 'chain.pem'), 'utf8'));
  const file = exportPkcs12('p256', 'x', '-certfile', 'more.pem');
  const { intermediates, root } = await importPkcs12(file, 'x');
  expect(intermediates.map(one => one.subject)).toEqual(['O=Example\nCN=Issuing']);
  expect(root?.toString()).toBe(readFileSync(join(folder.path, 'root.crt'), 'utf8'));
});

it('refuses a derivation count that would keep the machine busy', async () => {
  const file = exportPkcs12('p256', 'x', '-macalg', 'sha256', '-iter', '300000');
  const forged = Buffer.from(
    file.toString('hex').replaceAll(`0203${(300000).toString(16).padStart(6, '0')}`, '02037fffff'),
    'hex',
  );
  expect(forged.equals(file)).toBe(false);
  expect(await problemOf(importPkcs12(forged, 'x'))).toBe('unsupported');
});

it.each([[['-legacy', '-iter', '1']], [['-nomac', '-keypbe', 'NONE', '-certpbe', 'NONE']], [['-nomac', '-iter', '1']]])(
  'answers damaged files with a Pkcs12Error and nothing else (%j)',
  async options => {
    const file = exportPkcs12('p256', 'x', ...options);
    const damage = fc.record({ at: fc.nat(file.length - 1), by: fc.integer({ min: 1, max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async places => {
        const damaged = Buffer.from(file);
        for (const { at, by } of places) damaged[at] = damaged.readUInt8(at) ^ by;
        await problemOf(importPkcs12(damaged, 'x'));
      }),
      { numRuns: 300 },
    );
  },
);
