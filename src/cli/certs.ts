import { importCertificate } from './certs-import.ts';
import { inspect } from './certs-inspect.ts';
import { makeAuthorityFiles, makeRequestFiles, makeServerFiles } from './certs-make.ts';
import { type CliCommand, type CliIo, UsageError } from './command.ts';

const ACTIONS: Readonly<Record<string, (args: readonly string[], io: CliIo) => Promise<number>>> = {
  ca: makeAuthorityFiles,
  server: makeServerFiles,
  request: makeRequestFiles,
  import: importCertificate,
  inspect,
};

/** `postern certs`: everything about the certificates of the listeners that does not need a running server. */
export const certs: CliCommand = {
  name: 'certs',
  summary: 'make, request, import and inspect certificates',
  usage: `Usage:
  postern certs ca --out DIR [--name TEXT] [--permit NAME]...
      Makes a development authority: DIR/ca.crt and DIR/ca.key (P-256, ten years).
      --permit binds it to a domain (and all below) or an address; may be repeated.

  postern certs server NAME... --out DIR [--ca DIR] [--days N]
      Issues a certificate for host names and IP addresses, by the authority in --ca
      (default: --out), which is made if it is not there. At most 397 days, the default.

  postern certs request NAME... --out DIR [--rsa]
      Makes a key and a request (.csr) to send to an authority. P-256, or RSA 3072.

  postern certs import FILE.pfx --out DIR [--name NAME] [--password-file FILE | --password-env VARIABLE]
      Turns a PKCS#12 file, as Windows exports it, into a certificate with its chain and
      a key. The password is asked for, or read from standard input, the file or the variable.

  postern certs inspect FILE [--key FILE]
  postern certs inspect HOST:PORT [--starttls imap|ldap]
      Shows names, issuer, days left and the pin. Status 1 if a certificate is not valid now,
      its key is another's, or its chain is broken.

Keys are readable by their owner only. No file is replaced without --force.
`,

  async run(args, io) {
    const [action = '', ...rest] = args;
    const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (!run) {
      const known = Object.keys(ACTIONS).join(', ');
      throw new UsageError(action === '' ? `say one of ${known}` : `"${action}" is none of ${known}`);
    }
    return run(rest, io);
  },
};
