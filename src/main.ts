import { setFlagsFromString } from 'node:v8';
import { type CliCommand, type CliIo, EXIT, UsageError } from './cli/command.ts';

/**
 * What a TLS socket reads is garbage once it has been passed on, outside of V8's heap and freed only by a collection of young
 * objects. As V8 enlarges the space of those, it collects ever more rarely: a relayed message of 50 MB left 50 MB behind. Kept small,
 * that space costs no more CPU and memory stays level. Before anything else is loaded: it never shrinks.
 */
setFlagsFromString('--semi-space-growth-factor=1');

/**
 * Files are read, written and above all synced in a pool of threads, of which Node has four: 64 messages arriving at once were kept at
 * 1,900/s with four and at 7,500/s with sixteen, because the file system joins syncs that wait together. Read when the pool starts, so
 * before anything uses it; whoever starts Postern may say otherwise.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';

/** The commands of the command line. Each is loaded when it is called for: `serve` never pays for what makes certificates. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; load(): Promise<CliCommand> }>> = {
  serve: { summary: 'run the server', load: async () => (await import('./cli/serve.ts')).serve },
  demo: {
    summary: 'show Postern at work, with a directory and a mail server of its own',
    load: async () => (await import('./cli/demo.ts')).demo,
  },
  check: {
    summary: 'check the configuration, and which users its routes take',
    load: async () => (await import('./cli/check.ts')).check,
  },
  explain: {
    summary: 'tell who a login is, where it would go, and why',
    load: async () => (await import('./cli/explain.ts')).explain,
  },
  replay: {
    summary: 'tell who would lose access or change route under a new configuration',
    load: async () => (await import('./cli/replay.ts')).replay,
  },
  report: {
    summary: 'tell from the audit log what users log in with',
    load: async () => (await import('./cli/report.ts')).report,
  },
  status: { summary: 'tell how the running server is', load: async () => (await import('./cli/status.ts')).status },
  sessions: { summary: 'list and end sessions', load: async () => (await import('./cli/sessions.ts')).sessions },
  reload: {
    summary: 'apply the changed configuration file',
    load: async () => (await import('./cli/reload.ts')).reload,
  },
  revoke: {
    summary: 'end the sessions of a login, and bar it until a directory has proven it again',
    load: async () => (await import('./cli/revoke.ts')).revoke,
  },
  trace: {
    summary: "write down what chosen users' clients say",
    load: async () => (await import('./cli/trace.ts')).trace,
  },
  backup: {
    summary: 'copy the mail of all accounts, while they are used',
    load: async () => (await import('./cli/backup.ts')).backup,
  },
  restore: {
    summary: 'make accounts what they were at a backup',
    load: async () => (await import('./cli/restore.ts')).restore,
  },
  repair: {
    summary: 'look for damage in the accounts, and mend it',
    load: async () => (await import('./cli/repair.ts')).repair,
  },
  certs: {
    summary: 'make, request, import and inspect certificates',
    load: async () => (await import('./cli/certs.ts')).certs,
  },
  'app-password': {
    summary: 'make, list and revoke passwords for single devices',
    load: async () => (await import('./cli/app-password.ts')).appPasswordCommand,
  },
  user: {
    summary: 'hash a password for the users file',
    load: async () => (await import('./cli/user.ts')).userCommand,
  },
};

async function run(argv: readonly string[], io: CliIo): Promise<number> {
  const [name = 'help', ...args] = argv;
  if (name === '--version' || name === 'version') {
    io.stdout(`postern ${(await import('./server/version.ts')).VERSION}\n`);
    return EXIT.ok;
  }
  const wantsHelp = name === 'help' || name === '--help' || name === '-h';
  const wanted = wantsHelp ? args[0] : name;
  if (wanted === undefined) {
    io.stdout(overview());
    return EXIT.ok;
  }
  const command = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
  if (!command) {
    io.stderr(`postern: there is no command "${wanted}"\n\n${overview()}`);
    return EXIT.usage;
  }
  if (wantsHelp) {
    io.stdout((await command.load()).usage);
    return EXIT.ok;
  }
  return await runCommand(await command.load(), args, io);
}

async function runCommand(command: CliCommand, args: readonly string[], io: CliIo): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(command.usage);
    return EXIT.ok;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr(`postern ${command.name}: ${error.message}\n\n${command.usage}`);
      return EXIT.usage;
    }
    io.stderr(`postern ${command.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.failure;
  }
}

function overview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  return `usage: postern COMMAND [OPTIONS]\n\n${rows.join('\n')}\n\npostern help COMMAND tells more about one.\n`;
}

const io: CliIo = {
  stdout: text => void process.stdout.write(text),
  stderr: text => void process.stderr.write(text),
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
};

// A reader that closed the pipe (head, less) has read enough.
process.stdout.on('error', () => process.exit(EXIT.ok));

// Not process.exit: what was written to a pipe must still go out. Servers and clients have closed what they opened.
process.exitCode = await run(process.argv.slice(2), io);
