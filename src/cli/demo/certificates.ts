import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { issueServerCertificate, makeAuthority } from '../../pki/authority.ts';
import { parsePrivateKey } from '../../pki/keys.ts';
import { writeNewFiles } from '../../pki/new-files.ts';
import { parseSubjectNames } from '../../pki/subject-names.ts';

/** Paths of the PEM files, and what servers in this process show. */
export interface DemoCertificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly issued: { readonly certificate: string; readonly key: string };
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * A new authority and a certificate of it for this machine's loopback names, in `folder`. The authority may sign for nothing else and
 * its key is not kept: whoever trusts it for the demonstration risks nothing later.
 */
export async function makeDemoCertificates(folder: string): Promise<DemoCertificates> {
  const names = parseSubjectNames(LOOPBACK);
  const authority = await makeAuthority({ name: 'Postern demonstration', permitted: names });
  const signing = {
    certificate: new X509Certificate(authority.certificate),
    key: parsePrivateKey(authority.key),
  };
  const issued = await issueServerCertificate(signing, { names, days: 90 });
  const paths = {
    authority: join(folder, 'ca.crt'),
    certificate: join(folder, 'localhost.crt'),
    key: join(folder, 'localhost.key'),
  };
  mkdirSync(folder, { recursive: true });
  writeNewFiles(
    [
      { path: paths.authority, content: authority.certificate, secret: false },
      { path: paths.certificate, content: issued.certificate, secret: false },
      { path: paths.key, content: issued.key, secret: true },
    ],
    { force: true },
  );
  return { ...paths, issued };
}
