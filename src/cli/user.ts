import { preparePassword } from '../auth/login-name.ts';
import { encodeScramVerifier, newScramVerifier } from '../auth/scram-verifier.ts';
import { hashPassword } from '../auth/static/password-hash.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { isTerminal, readHiddenLine, readPipedLine } from './password-input.ts';

/** `postern user`: what a static directory's file of users is made with. */
export const userCommand: CliCommand = {
  name: 'user',
  summary: 'hash a password for a static directory',
  usage: `usage: postern user hash [--scrypt | --scram]

Reads a password from standard input (from a terminal: twice, without showing it) and prints its hash, to be put into the
file of a directory of kind static:

  users:
    - login: admin
      password: '$argon2id$...'

  --scram    SCRAM verifiers instead, which go beside the hash, for clients that do not show the password:

      scram: ['SCRAM-SHA-256$...', 'SCRAM-SHA-1$...']

  --scrypt   scrypt instead of argon2id, for Node older than 24.7
`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      scrypt: { type: 'boolean' },
      scram: { type: 'boolean' },
    });
    if (positionals.join(' ') !== 'hash') throw new UsageError('say what to do: postern user hash');
    const typed = await readPassword(io);
    const password = preparePassword(typed);
    if (password === '') throw new UsageError('the password is empty');
    if (values.scram) {
      for (const hash of ['sha256', 'sha1'] as const) {
        io.stdout(`${encodeScramVerifier(await newScramVerifier(typed, hash))}\n`);
      }
      return EXIT.ok;
    }
    io.stdout(`${await hashPassword(password, values.scrypt ? 'scrypt' : 'argon2id')}\n`);
    return EXIT.ok;
  },
};

async function readPassword({ stdin, stderr }: CliIo): Promise<string> {
  if (!isTerminal(stdin)) return readPipedLine(stdin);
  stderr('Password: ');
  const password = await readHiddenLine(stdin);
  stderr('\nOnce more: ');
  const again = await readHiddenLine(stdin);
  stderr('\n');
  if (password !== again) throw new Error('the two passwords differ');
  return password;
}
