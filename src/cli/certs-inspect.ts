import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatServer, parseHostPort } from '../config/address.ts';
import {
  type CertificateReport,
  type ChainState,
  InspectError,
  type InspectionReport,
  inspectCertificates,
  readCertificates,
  readKeyIfAny,
} from '../pki/inspect.ts';
import { fetchPeerCertificates, type PeerTls } from '../pki/peer.ts';
import { parseArguments } from './arguments.ts';
import { type CliIo, EXIT, UsageError } from './command.ts';

const TIMEOUT_MS = 10_000;

/** `postern certs inspect` */
export async function inspect(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArguments(args, { key: { type: 'string' }, starttls: { type: 'string' } });
  const [target, ...others] = positionals;
  if (target === undefined || others.length > 0) throw new UsageError('certs inspect takes one file or HOST:PORT');
  const path = resolve(io.cwd, target);
  const server = existsSync(path) ? undefined : parseHostPort(target);
  if (!server) {
    const report = inspectFile(path, values.key === undefined ? undefined : resolve(io.cwd, values.key));
    io.stdout(render(report));
    return isSound(report) ? EXIT.ok : EXIT.failure;
  }
  const { starttls } = values;
  if (starttls !== undefined && starttls !== 'imap' && starttls !== 'ldap') {
    throw new UsageError('--starttls is imap or ldap');
  }
  const how: PeerTls = starttls ?? 'implicit';
  const { certificates, refusal, protocol } = await fetchPeerCertificates(server, how, TIMEOUT_MS);
  const report = inspectCertificates(certificates);
  const verdict =
    refusal === undefined ? "trusted by the system's store" : `not trusted by the system's store: ${refusal}`;
  io.stdout(`${formatServer(server)}: ${protocol}, ${verdict}\n\n${render(report)}`);
  return isSound(report) ? EXIT.ok : EXIT.failure;
}

function inspectFile(path: string, keyPath: string | undefined): InspectionReport {
  let reading = path;
  try {
    const content = readFileSync(path);
    const certificates = readCertificates(content);
    if (keyPath === undefined) return inspectCertificates(certificates, { key: readKeyIfAny(content) });
    reading = keyPath;
    const key = readKeyIfAny(readFileSync(keyPath));
    if (!key) throw new InspectError('it holds no private key');
    return inspectCertificates(certificates, { key });
  } catch (error) {
    throw error instanceof InspectError ? new Error(`${reading}: ${error.message}`, { cause: error }) : error;
  }
}

const CHAINS: Readonly<Record<ChainState, string>> = {
  complete: 'complete and in order, up to a self-signed authority',
  'to-authority': 'in order; clients must have the last issuer in their trust store',
  single: 'one certificate; if its issuer is an intermediate authority, append that one',
  disordered: "all there, but not in order: the server's own first, then each issuer",
  broken: 'broken: not every certificate is the issuer of the one before it',
};

function isSound(report: InspectionReport): boolean {
  return (
    report.keyMatches !== false &&
    report.chain !== 'broken' &&
    report.chain !== 'disordered' &&
    report.certificates.every(one => one.validity === 'valid')
  );
}

function render(report: InspectionReport): string {
  const key = { true: 'belongs to the first certificate', false: 'DOES NOT belong to the first certificate' };
  return [
    ...report.certificates.map(renderCertificate),
    `chain    ${CHAINS[report.chain]}\n`,
    ...(report.keyMatches === undefined ? [] : [`key      ${key[`${report.keyMatches}`]}\n`]),
  ].join('');
}

function renderCertificate(one: CertificateReport): string {
  const day = (date: Date) => date.toISOString().slice(0, 10);
  const validity = { valid: `${one.daysLeft} days left`, expired: 'EXPIRED', 'not-yet': 'NOT YET VALID' }[one.validity];
  return `names    ${one.names.join(', ')}${one.authority ? ' (authority)' : ''}
subject  ${one.subject}
issuer   ${one.selfSigned ? 'itself' : one.issuer}
serial   ${one.serial}
key      ${one.key}
valid    ${day(one.notBefore)} to ${day(one.notAfter)}, ${validity}
pin      ${one.pin}

`;
}
