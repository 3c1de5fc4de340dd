import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A P-256 certificate for localhost and 127.0.0.1, signed by itself: trust it by naming it as the authority. Needs openssl. */
export function selfSigned(
  folder: string,
  name = 'server',
  names: readonly string[] = ['localhost'],
): CertificateFiles {
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const alternatives = [...names.map(host => `DNS:${host}`), 'IP:127.0.0.1'].join(',');
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '365'];
  const subject = ['-subj', `/CN=${names[0] ?? 'localhost'}`, '-addext', `subjectAltName=${alternatives}`];
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  return { certificate, key };
}
