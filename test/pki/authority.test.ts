import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { certificateNames, shortName } from '../../src/net/certificate-names.ts';
import { type Authority, type Issued, issueServerCertificate, makeAuthority } from '../../src/pki/authority.ts';
import { parsePrivateKey } from '../../src/pki/keys.ts';
import { makeRequest } from '../../src/pki/request.ts';
import { parseSubjectNames } from '../../src/pki/subject-names.ts';
import { OpensslFolder } from './openssl.ts';

const folder = new OpensslFolder();
afterAll(() => folder[Symbol.dispose]());

const NAMES = ['mail.example.org', '*.example.org', 'bücher.example', '127.0.0.1', '2001:db8::1:2'];
const DAY = 86_400_000;

function asAuthority({ certificate, key }: Issued): Authority {
  return { certificate: new X509Certificate(certificate), key: parsePrivateKey(key) };
}

/** What `openssl verify` says, strictly, as for a TLS server of this name. */
function verify(ca: string, leaf: string, ...args: string[]): string {
  folder.write('ca.pem', ca);
  folder.write('leaf.pem', leaf);
  try {
    return folder
      .run('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', ...args, 'leaf.pem')
      .trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a development authority', () => {
  it('issues server certificates that openssl accepts for each of their names', async () => {
    const ca = await makeAuthority({ name: 'Ü & Söhne, "CA"' });
    const leaf = await issueServerCertificate(asAuthority(ca), { names: parseSubjectNames(NAMES) });
    for (const name of ['mail.example.org', 'other.example.org', 'xn--bcher-kva.example']) {
      expect(verify(ca.certificate, leaf.certificate, '-verify_hostname', name)).toBe('leaf.pem: OK');
    }
    for (const address of ['127.0.0.1', '2001:db8::1:2']) {
      expect(verify(ca.certificate, leaf.certificate, '-verify_ip', address)).toBe('leaf.pem: OK');
    }
    expect(verify(ca.certificate, leaf.certificate, '-verify_hostname', 'example.com')).toMatch(/mismatch/);
    expect(verify(ca.certificate, leaf.certificate, '-purpose', 'sslclient')).toMatch(/purpose/i);
    expect(shortName(new X509Certificate(ca.certificate).subject)).toBe('Ü & Söhne, "CA"');
    expect(certificateNames(new X509Certificate(leaf.certificate)).dns).toContain('xn--bcher-kva.example');
    expect(new X509Certificate(leaf.certificate).checkPrivateKey(parsePrivateKey(leaf.key))).toBe(true);
  });

  it('makes leaves of P-256 for server use only, 397 days at most', async () => {
    const authority = asAuthority(await makeAuthority({ name: 'CA' }));
    const names = parseSubjectNames(['a.example']);
    const leaf = new X509Certificate((await issueServerCertificate(authority, { names })).certificate);
    expect(leaf.validToDate.getTime() - leaf.validFromDate.getTime()).toBe(397 * DAY);
    expect(leaf.validFromDate.getTime()).toBeLessThan(Date.now());
    expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.ca).toBe(false);
    const again = new X509Certificate((await issueServerCertificate(authority, { names })).certificate);
    expect(again.serialNumber).not.toBe(leaf.serialNumber);
    for (const days of [0, 398, Number.NaN]) {
      await expect(issueServerCertificate(authority, { names, days })).rejects.toThrow(/days/);
    }
  });

  it('takes a name too long for a subject, which then is empty', async () => {
    const ca = await makeAuthority({ name: 'CA' });
    const name = `${'long.'.repeat(20)}example.org`;
    const leaf = await issueServerCertificate(asAuthority(ca), { names: parseSubjectNames([name]) });
    expect(verify(ca.certificate, leaf.certificate, '-verify_hostname', name)).toBe('leaf.pem: OK');
  });

  it('may itself be of RSA, made by others', async () => {
    folder.run(
      ...[
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-addext',
        'keyUsage=critical,keyCertSign',
        '-noenc',
        '-subj',
        '/O=Corp/CN=RSA CA',
        '-keyout',
        'rsa.key',
        '-out',
        'rsa.crt',
      ],
    );
    const certificate = folder.read('rsa.crt');
    const authority = asAuthority({ certificate, key: folder.read('rsa.key') });
    const leaf = await issueServerCertificate(authority, { names: parseSubjectNames(['a.example']) });
    expect(verify(certificate, leaf.certificate, '-verify_hostname', 'a.example')).toBe('leaf.pem: OK');
    // It ends with its authority, whatever was asked for.
    expect(new X509Certificate(leaf.certificate).validToDate).toEqual(authority.certificate.validToDate);
  });

  it('cannot sign when it is none, is expired, or has the wrong key', async () => {
    const made = await makeAuthority({ name: 'CA' });
    const old = await makeAuthority({ name: 'CA', now: Date.now() - 4000 * DAY });
    const leaf = await issueServerCertificate(asAuthority(made), { names: parseSubjectNames(['a.example']) });
    const names = parseSubjectNames(['b.example']);
    await expect(issueServerCertificate(asAuthority(leaf), { names })).rejects.toThrow(/not one that may sign/);
    await expect(issueServerCertificate(asAuthority(old), { names })).rejects.toThrow(/expired/);
    const mixed = asAuthority({ certificate: made.certificate, key: old.key });
    await expect(issueServerCertificate(mixed, { names })).rejects.toThrow(/do not belong together/);
  });

  it('keeps to the names it is bound to, in our eyes and those of openssl', async () => {
    const permitted = parseSubjectNames(['example.org', '10.0.0.1', '2001:db8::1']);
    const bound = await makeAuthority({ name: 'CA', permitted });
    const inside = ['example.org', 'a.b.example.org', '10.0.0.1', '2001:db8::1'];
    const leaf = await issueServerCertificate(asAuthority(bound), { names: parseSubjectNames(inside) });
    expect(verify(bound.certificate, leaf.certificate)).toBe('leaf.pem: OK');
    for (const name of ['example.com', 'notexample.org', '10.0.0.2', '2001:db8::2']) {
      const names = parseSubjectNames([name]);
      await expect(issueServerCertificate(asAuthority(bound), { names })).rejects.toThrow(
        `not permitted to issue for ${name}`,
      );
    }
  });

  it.each([
    ['a domain', 'example.org', ['1.2.3.4', '::1']],
    ['an address', '10.0.0.1', ['a.example', '10.0.0.2', '::1']],
  ])('bound to %s has certificates for anything else refused by openssl', async (_, permitted, others) => {
    const bound = await makeAuthority({ name: 'CA', permitted: parseSubjectNames([permitted]) });
    folder.write('bound.crt', bound.certificate);
    folder.write('bound.key', bound.key);
    // openssl signs what this code would not.
    for (const name of others) {
      const { request } = await makeRequest(parseSubjectNames([name]), 'p256');
      folder.write('x.csr', request);
      folder.run(
        ...['x509', '-req', '-in', 'x.csr', '-CA', 'bound.crt', '-CAkey', 'bound.key', '-days', '9', '-out', 'x.crt'],
        ...['-copy_extensions', 'copy', '-set_serial', '5'],
      );
      expect(verify(bound.certificate, folder.read('x.crt'), '-partial_chain')).toMatch(/subtree violation/);
    }
  });
});

describe.each(['p256', 'rsa'] as const)('a request with a key of kind %s', kind => {
  it('is one that openssl verifies and reads the names of', async () => {
    const { request, key } = await makeRequest(parseSubjectNames(NAMES), kind);
    folder.write('r.csr', request);
    folder.write('r.key', key);
    const text = folder.run('req', '-verify', '-in', 'r.csr', '-noout', '-text');
    expect(text).toContain(
      'DNS:mail.example.org, DNS:*.example.org, DNS:xn--bcher-kva.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:1:2',
    );
    expect(text).toMatch(/Subject: CN ?= ?mail\.example\.org/);
    expect(text).toContain('TLS Web Server Authentication');
    expect(text).toContain(kind === 'rsa' ? 'Public-Key: (3072 bit)' : 'NIST CURVE: P-256');
    expect(folder.run('pkey', '-in', 'r.key', '-pubout')).toBe(folder.run('req', '-in', 'r.csr', '-noout', '-pubkey'));
  });
});
