import { readFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { certificateNames } from '../net/certificate-names.ts';
import { chainPem } from '../pki/chain.ts';
import { privateKeyPem } from '../pki/keys.ts';
import { type NewFile, writeNewFiles } from '../pki/new-files.ts';
import { type Imported, importPkcs12 } from '../pki/pkcs12.ts';
import { parseArguments, required } from './arguments.ts';
import { configuration, list } from './certs-make.ts';
import { type CliIo, EXIT, UsageError } from './command.ts';
import { isTerminal, readHiddenLine, readPipedLine } from './password-input.ts';

/** `postern certs import` */
export async function importCertificate(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    out: { type: 'string' },
    name: { type: 'string' },
    'password-file': { type: 'string' },
    'password-env': { type: 'string' },
    force: { type: 'boolean' },
  });
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new UsageError('certs import takes one file (.pfx or .p12)');
  if (values.name !== undefined && basename(values.name) !== values.name) {
    throw new UsageError('--name is a file name without a folder');
  }
  const out = resolve(io.cwd, required(values.out, '--out'));
  const content = readFileSync(resolve(io.cwd, file));
  const password = await passwordFrom(values['password-file'], values['password-env'], file, io);
  const imported = await importPkcs12(content, password);
  const path = join(out, values.name ?? fileName(imported, file));
  const files: NewFile[] = [
    { path: `${path}.key`, content: privateKeyPem(imported.key), secret: true },
    { path: `${path}.crt`, content: chainPem([imported.leaf, ...imported.intermediates]), secret: false },
    ...(imported.root ? [{ path: `${path}-ca.crt`, content: chainPem([imported.root]), secret: false }] : []),
  ];
  writeNewFiles(files, { force: values.force ?? false });
  io.stdout(`${list(files)}\n${configuration(path)}${remarks(imported, path)}`);
  return EXIT.ok;
}

async function passwordFrom(
  file: string | undefined,
  variable: string | undefined,
  pfx: string,
  io: CliIo,
): Promise<string> {
  if (file !== undefined && variable !== undefined) {
    throw new UsageError('--password-file and --password-env exclude each other');
  }
  if (file !== undefined) return readFileSync(resolve(io.cwd, file), 'utf8').replace(/\r?\n$/, '');
  if (variable === undefined) return askPassword(pfx, io);
  const value = io.env[variable];
  if (value === undefined) throw new UsageError(`the environment has no ${variable}`);
  return value;
}

async function askPassword(pfx: string, { stdin, stderr }: CliIo): Promise<string> {
  if (!isTerminal(stdin)) return readPipedLine(stdin);
  stderr(`Password of ${pfx}: `);
  try {
    return await readHiddenLine(stdin);
  } finally {
    stderr('\n');
  }
}

/** The first name in the certificate, else the name of the file it came in. */
function fileName({ leaf }: Imported, file: string): string {
  const [first] = certificateNames(leaf).dns;
  return first?.replace(/^\*/, 'wildcard').replace(/[^\w.-]/g, '-') ?? basename(file, extname(file));
}

function remarks({ leaf, intermediates, root }: Imported, path: string): string {
  const end = `Valid until ${leaf.validToDate.toISOString().slice(0, 10)}.\n`;
  if (root) return `${end}Clients must trust ${path}-ca.crt, unless they do already.\n`;
  if (intermediates.length > 0) return end;
  return `${end}The file holds no certificate of the issuer: if that is an intermediate authority, append its certificate to ${path}.crt.\n`;
}
