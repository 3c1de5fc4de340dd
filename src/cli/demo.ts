import { basename, resolve } from 'node:path';
import { ConfigError } from '../config/load.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { type DemoFolder, openDemoFolder, removeDemoFolder } from './demo/folder.ts';
import { type Stage, setStage } from './demo/stage.ts';

const DEFAULT_PORT = 1993;

const usage = `usage: postern demo [--port PORT] [--data DIR]

Shows Postern at work on this machine alone: an LDAP directory with the users alice and bob (password "secret"), new certificates,
some hundred messages, and Postern, which serves them. Says what to try, then shows each login and each command. Ctrl-C ends it
all.

  --port PORT   where mail clients connect, on 127.0.0.1 (default ${DEFAULT_PORT}; 0 = any that is free)
  --data DIR    keep its files there (default: a temporary folder, removed at the end)
`;

/** `postern demo`: everything running in a minute, nothing to set up and nothing left behind. */
export const demo: CliCommand = {
  name: 'demo',
  summary: 'show Postern at work, with a directory and mail of its own',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, { port: { type: 'string' }, data: { type: 'string' } });
    if (positionals.length > 0) throw new UsageError(`demo takes no "${positionals.join(' ')}"`);
    const port = portOf(values.port);
    // Before anything is there to be left behind.
    const stopped = untilSignal();
    const folder = openDemoFolder(values.data === undefined ? undefined : resolve(io.cwd, values.data));
    const abandon = () => removeDemoFolder(folder);
    process.on('exit', abandon);
    try {
      const stage = await setStage({ port, folder: folder.path, env: io.env, tell: io.stdout });
      io.stdout(program(stage, folder, ownName(io.env, process.argv[1])));
      await stopped;
      io.stdout('\nStopping ...\n');
      await stage.close();
      return EXIT.ok;
    } catch (error) {
      return explain(error, io);
    } finally {
      removeDemoFolder(folder);
      process.off('exit', abandon);
    }
  },
};

function portOf(text: string | undefined): number {
  const port = text === undefined ? DEFAULT_PORT : Number(text);
  if (/^\d*$/.test(text ?? '') && port <= 65_535 && text !== '') return port;
  throw new UsageError(`--port: "${text}" is not a port`);
}

/** A closed terminal ends it, too: nobody sees it any more. */
function untilSignal(): Promise<void> {
  return new Promise(resolve => {
    // Again and again: in a terminal npm and the shell may each pass on one Ctrl-C.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}

function explain(error: unknown, io: CliIo): number {
  if (error instanceof ConfigError) {
    io.stderr(error.message);
    return EXIT.configuration;
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = /EADDRINUSE/.test(message) ? '; choose another with --port' : '';
  io.stderr(`postern demo: ${message}${hint}\n`);
  return EXIT.failure;
}

/** How this program is called again by whoever called it now. */
export function ownName(env: NodeJS.ProcessEnv, script: string | undefined): string {
  if (env.npm_lifecycle_event === 'demo') return 'npm run -s postern --';
  if (script === undefined || basename(script) === 'postern') return 'postern';
  return `node ${script}`;
}

/** What runs where, and what to try. */
function program(stage: Stage, { path, temporary }: DemoFolder, postern: string): string {
  const { port, configFile, authorityFile, directoryPort, adminHttp, letters, letterFile } = stage;
  const curl = `curl --cacert ${authorityFile}`;
  const url = `imaps://localhost:${port}`;
  return `
  mail clients connect to   ${url}
  users                     alice and bob, password secret; alice@example.org works, too
  LDAP directory            ldaps://127.0.0.1:${directoryPort}
  mailboxes                 ${letters} messages, in the embedded store
  configuration             ${configFile}
  metrics                   http://${adminHttp}/metrics
  files                     ${path}${temporary ? ' (removed at the end)' : ''}

Try in another terminal${postern.startsWith('npm') ? ', in this folder' : ''}:

  # alice's mailboxes; what is in her INBOX; its third message
  ${curl} -u alice:secret ${url}/
  ${curl} -u alice:secret ${url}/INBOX -X 'FETCH 1:* FAST'
  ${curl} -u alice:secret '${url}/INBOX;MAILINDEX=3'

  # put a message into her Drafts; find it, and others
  ${curl} -u alice:secret ${url}/Drafts -T ${letterFile}
  ${curl} -u alice:secret ${url}/Drafts -X 'SEARCH TEXT hello'

  # a wrong password, and a user who is not there: the same answer
  ${curl} -u alice:wrong ${url}/
  ${curl} -u nobody:secret ${url}/

  # by hand: type "a LOGIN bob secret", "b SELECT INBOX", "c IDLE" ...
  openssl s_client -quiet -crlf -connect localhost:${port} -CAfile ${authorityFile} -verify_return_error

  # in neomutt: all of alice's mail, in a terminal
  neomutt -n -F /dev/null -e 'set folder=imaps://alice@localhost:${port} spoolfile=+INBOX imap_pass=secret header_cache= record= ssl_ca_certificates_file=${authorityFile}'

  # in Thunderbird: Account Settings, Add Mail Account, Configure manually:
  #   IMAP, server localhost, port ${port}, SSL/TLS, Normal password, user alice;
  #   first import ${authorityFile} under Settings, Certificates, Authorities

  # who is connected, how it is, where a user would go and why
  ${postern} sessions --config ${configFile}
  ${postern} status --config ${configFile}
  ${postern} explain bob@example.org --config ${configFile}

Logins and commands are shown here as they happen. Ctrl-C ends it all.

`;
}
