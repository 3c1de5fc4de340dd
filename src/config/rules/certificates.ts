import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Draft, Report, Rule } from '../draft.ts';
import type { Path } from '../problem.ts';
import type { KeyPair } from '../schema.ts';
import type { Surroundings } from '../surroundings.ts';

const PEM_CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]*-----/g;

/** Every certificate with its key that the configuration names, for clients and towards servers. */
export function keyPairs(draft: Draft): readonly { path: Path; pair: KeyPair }[] {
  const own = draft.certificates.map((pair, index) => ({ path: ['tls', 'certificates', index], pair }));
  const shown = outgoing(draft).map(({ path, config }) => ({
    path: [...path, 'client_certificate'],
    pair: config.client_certificate,
  }));
  return [...own, ...shown].flatMap(({ path, pair }) => (pair ? [{ path, pair }] : []));
}

const pairsMatch: Rule = (draft, report, around) => {
  for (const { path, pair } of keyPairs(draft)) checkPair(path, pair, report, around);
};

const authoritiesAreCertificates: Rule = (draft, report, around) => {
  for (const { path, config } of outgoing(draft)) {
    if (config.ca === undefined) continue;
    readCertificates([...path, 'ca'], config.ca, report, around);
  }
};

function outgoing(draft: Draft) {
  const directories = [...draft.directories].flatMap(([name, config]) =>
    config && config.kind !== 'static' ? [{ path: ['directories', name], config }] : [],
  );
  const upstreams = [...draft.upstreams].flatMap(([name, config]) =>
    config ? [{ path: ['upstreams', name], config }] : [],
  );
  return [...directories, ...upstreams];
}

function checkPair(path: Path, pair: KeyPair, report: Report, around: Surroundings): void {
  const chain = readCertificates([...path, 'certificate'], pair.certificate, report, around);
  const key = readKey([...path, 'key'], pair.key, report, around);
  const [leaf] = chain;
  if (!leaf) return;
  if (key && !leaf.checkPrivateKey(key)) {
    const own = chain.findIndex(certificate => certificate.checkPrivateKey(key));
    report.error({
      path: [...path, 'key'],
      message: `the key does not belong to the certificate (${leaf.subject || leaf.subjectAltName || 'no name'})`,
      mend:
        own === -1
          ? 'name the key that the certificate was made for'
          : `put the server's certificate first in ${pair.certificate}; it is number ${own + 1} there`,
    });
  }
  checkTime([...path, 'certificate'], leaf, report, around);
}

function checkTime(path: Path, certificate: X509Certificate, report: Report, around: Surroundings): void {
  const now = around.now();
  if (certificate.validToDate.getTime() < now) {
    const message = `the certificate expired on ${certificate.validToDate.toISOString().slice(0, 10)}`;
    report.warning({ path, message, mend: 'renew it; clients refuse it as it is' });
  } else if (certificate.validFromDate.getTime() > now) {
    const message = `the certificate is valid only from ${certificate.validFromDate.toISOString().slice(0, 10)}`;
    report.warning({ path, message, mend: "wait, renew it, or set this machine's clock" });
  }
}

/** A file that cannot be read was reported with the key that names it. */
function readIfThere(file: string, around: Surroundings): string | undefined {
  try {
    return around.readText(file);
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM file; empty after a fault was reported. */
function readCertificates(path: Path, file: string, report: Report, around: Surroundings): readonly X509Certificate[] {
  const text = readIfThere(file, around);
  if (text === undefined) return [];
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    report.error({
      path,
      message: `${file} holds no PEM certificate`,
      mend: 'name a file with "-----BEGIN CERTIFICATE-----"; "postern certs import" turns a .pfx into one',
    });
    return [];
  }
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      const message = `certificate number ${index + 1} in ${file} is damaged`;
      report.error({ path, message, mend: 'copy the file again, as it was issued' });
      return [];
    }
  }
  return certificates;
}

function readKey(path: Path, file: string, report: Report, around: Surroundings): KeyObject | undefined {
  const text = readIfThere(file, around);
  if (text === undefined) return undefined;
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) {
    report.error({
      path,
      message: `the key in ${file} is protected by a passphrase`,
      mend: `take the passphrase off ("openssl pkey -in ${file} -out NEW") and guard the file by its permissions`,
    });
    return undefined;
  }
  try {
    return createPrivateKey(text);
  } catch {
    report.error({
      path,
      message: `${file} holds no PEM private key`,
      mend: text.includes('BEGIN CERTIFICATE')
        ? 'name the file with "-----BEGIN PRIVATE KEY-----"; this one has a certificate'
        : 'name a file with "-----BEGIN PRIVATE KEY-----"',
    });
    return undefined;
  }
}

export const certificateRules: readonly Rule[] = [pairsMatch, authoritiesAreCertificates];
