import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Authority, issueServerCertificate, LONGEST_LEAF_DAYS, makeAuthority } from '../pki/authority.ts';
import { parsePrivateKey } from '../pki/keys.ts';
import { type NewFile, writeNewFiles } from '../pki/new-files.ts';
import { makeRequest } from '../pki/request.ts';
import { fileNameOf, NameError, parseSubjectNames, type SubjectName } from '../pki/subject-names.ts';
import { parseArguments, required } from './arguments.ts';
import { type CliIo, EXIT, UsageError } from './command.ts';

const AUTHORITY_NAME = 'Postern development CA';

/** `postern certs ca` */
export async function makeAuthorityFiles(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    out: { type: 'string' },
    name: { type: 'string' },
    permit: { type: 'string', multiple: true },
    force: { type: 'boolean' },
  });
  if (positionals.length > 0) throw new UsageError(`certs ca takes no name ("${positionals[0]}"); use --name`);
  const out = resolve(io.cwd, required(values.out, '--out'));
  const name = values.name ?? AUTHORITY_NAME;
  if (name.length < 1 || name.length > 64) throw new UsageError('--name has 1 to 64 characters');
  const files = await authorityFiles(out, { name, permitted: names(values.permit ?? []) });
  writeNewFiles(files, { force: values.force ?? false });
  io.stdout(
    `${list(files)}\nClients must trust ${join(out, 'ca.crt')}; keep the key away from them and from servers.\n`,
  );
  return EXIT.ok;
}

/** `postern certs server` */
export async function makeServerFiles(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    out: { type: 'string' },
    ca: { type: 'string' },
    days: { type: 'string' },
    force: { type: 'boolean' },
  });
  const { first, all } = namesFor('server', positionals);
  const out = resolve(io.cwd, required(values.out, '--out'));
  const home = values.ca === undefined ? out : resolve(io.cwd, values.ca);
  const days = values.days === undefined ? LONGEST_LEAF_DAYS : Number(values.days);
  if (!Number.isInteger(days) || days < 1 || days > LONGEST_LEAF_DAYS) {
    throw new UsageError(`--days must be 1 to ${LONGEST_LEAF_DAYS}: clients refuse certificates that last longer`);
  }
  const made = existsSync(join(home, 'ca.crt')) || existsSync(join(home, 'ca.key')) ? [] : await authorityFiles(home);
  const authority = authorityFrom(made) ?? readAuthority(home);
  const issued = await issueServerCertificate(authority, { names: all, days });
  const path = join(out, fileNameOf(first));
  const files: NewFile[] = [
    ...made,
    { path: `${path}.key`, content: issued.key, secret: true },
    { path: `${path}.crt`, content: issued.certificate, secret: false },
  ];
  writeNewFiles(files, { force: values.force ?? false });
  const end = new X509Certificate(issued.certificate).validToDate.toISOString().slice(0, 10);
  io.stdout(`${list(files)}\n${configuration(path)}Valid until ${end}. Clients must trust ${join(home, 'ca.crt')}.\n`);
  return EXIT.ok;
}

/** `postern certs request` */
export async function makeRequestFiles(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    out: { type: 'string' },
    rsa: { type: 'boolean' },
    force: { type: 'boolean' },
  });
  const { first, all } = namesFor('request', positionals);
  const out = resolve(io.cwd, required(values.out, '--out'));
  const made = await makeRequest(all, values.rsa ? 'rsa' : 'p256');
  const path = join(out, fileNameOf(first));
  const files: NewFile[] = [
    { path: `${path}.key`, content: made.key, secret: true },
    { path: `${path}.csr`, content: made.request, secret: false },
  ];
  writeNewFiles(files, { force: values.force ?? false });
  io.stdout(
    `${list(files)}\nSend the request to your authority and save its answer, followed by its chain, as ${path}.crt:\n\n${configuration(path)}`,
  );
  return EXIT.ok;
}

/** What to put in the configuration for `path`.crt and `path`.key. */
export function configuration(path: string): string {
  const quoted = (text: string) => (/^[\w./-]+$/.test(text) ? text : JSON.stringify(text));
  return `tls:\n  certificates:\n    - { certificate: ${quoted(`${path}.crt`)}, key: ${quoted(`${path}.key`)} }\n\nThe user that serves must be able to read the key.\n`;
}

/** What was written, a line each. */
export function list(files: readonly NewFile[]): string {
  return files.map(file => `wrote ${file.path}${file.secret ? ' (private key, for its owner only)' : ''}\n`).join('');
}

async function authorityFiles(
  home: string,
  options: { name: string; permitted?: readonly SubjectName[] } = { name: AUTHORITY_NAME },
): Promise<NewFile[]> {
  const { certificate, key } = await makeAuthority(options);
  return [
    { path: join(home, 'ca.key'), content: key, secret: true },
    { path: join(home, 'ca.crt'), content: certificate, secret: false },
  ];
}

function authorityFrom([key, certificate]: readonly NewFile[]): Authority | undefined {
  if (!key || !certificate) return undefined;
  return { certificate: new X509Certificate(certificate.content), key: parsePrivateKey(key.content) };
}

function readAuthority(home: string): Authority {
  const [certificate, key] = [join(home, 'ca.crt'), join(home, 'ca.key')];
  try {
    return {
      certificate: new X509Certificate(readFileSync(certificate)),
      key: parsePrivateKey(readFileSync(key, 'utf8')),
    };
  } catch (error) {
    throw new Error(`the authority (${certificate} and ${key}) cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function namesFor(action: string, texts: readonly string[]): { first: SubjectName; all: readonly SubjectName[] } {
  const all = names(texts);
  const [first] = all;
  if (!first) throw new UsageError(`certs ${action} needs the names that clients connect to`);
  return { first, all };
}

function names(texts: readonly string[]): SubjectName[] {
  try {
    return parseSubjectNames(texts);
  } catch (error) {
    throw error instanceof NameError ? new UsageError(error.message) : error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
