import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { endPointHash } from '../../src/net/channel-binding.ts';
import { describeWithPeers } from '../support/peers.ts';

describeWithPeers(['openssl'], 'tls-server-end-point', () => {
  it.each([
    ['rsa:2048', 'sha1', 'sha256'],
    ['rsa:2048', 'sha256', 'sha256'],
    ['rsa:2048', 'sha384', 'sha384'],
    ['ec', 'sha512', 'sha512'],
  ])('of a certificate with %s and %s is its %s', (key, digest, hash) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-binding-'));
    try {
      const kind = key === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : [key];
      const [certificate, out] = ['c.pem', 'c.der'].map(name => join(folder, name));
      const args = [
        'req',
        '-x509',
        `-${digest}`,
        '-nodes',
        '-subj',
        '/CN=x',
        '-keyout',
        join(folder, 'k.pem'),
        '-newkey',
      ];
      execFileSync('openssl', [...args, ...kind, '-out', certificate ?? ''], { stdio: 'pipe', timeout: 20_000 });
      execFileSync('openssl', ['x509', '-in', certificate ?? '', '-outform', 'DER', '-out', out ?? ''], {
        timeout: 20_000,
      });
      const said = execFileSync('openssl', ['dgst', `-${hash}`, '-hex', out ?? ''], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      const { raw } = new X509Certificate(readFileSync(certificate ?? ''));
      expect(endPointHash(raw)?.toString('hex')).toBe(said.trim().split(' ').at(-1));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is none of what is no certificate', () => {
    for (const text of ['', '30', '3082', '308203', '30843fffffff30', '3003020100']) {
      expect(endPointHash(Buffer.from(text, 'hex'))).toBeUndefined();
    }
  });
});
