import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchPeerCertificates } from '../../pki/peer.ts';
import { closedToOthers } from './folder.ts';
import { demoLetters } from './letters.ts';
import { dovecotConfiguration } from './mail-server-config.ts';
import { type Owner, writeMaildirs } from './maildir.ts';
import { PASSWORD, PEOPLE } from './people.ts';

export interface MailServerOptions {
  /** Its program. */
  readonly program: string;
  /** Below this it keeps everything; mail that is there already stays as it is. */
  readonly folder: string;
  /** A free one on 127.0.0.1. */
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
}

/** Debian's "nobody": mail may not belong to root. */
const NOBODY: Owner = { uid: 65534, gid: 65534 };
const START_MS = 8000;
const STOP_MS = 3000;

/** Why there is no old mail server; the message is for the user. */
export class MailServerError extends Error {
  override readonly name = 'MailServerError';
}

/** Where Dovecot is installed; undefined when it is not. */
export function findDovecot(env: NodeJS.ProcessEnv): string | undefined {
  const folders = [...(env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'].filter(folder => folder !== '');
  return folders
    .map(folder => join(folder, 'dovecot'))
    .find(path => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** A private Dovecot: the old mail server of the demonstration. */
export class MailServer {
  readonly version: string;
  readonly #master: ChildProcess;

  private constructor(version: string, master: ChildProcess) {
    this.version = version;
    this.#master = master;
  }

  /** Writes its files and the mail, starts it, and waits until it answers. @throws MailServerError; nothing runs then */
  static async start(options: MailServerOptions): Promise<MailServer> {
    const version = versionOf(options.program);
    const config = prepare(options);
    // A process group of its own: Ctrl-C in a terminal is for the demonstration, which ends this one in its turn.
    const master = spawn(options.program, ['-F', '-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    let complaint = '';
    master.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const server = new MailServer(version, master);
    const failed = new Promise<string>(resolve => {
      master.once('error', error => resolve(error.message));
      master.once('exit', () => resolve(complaint.trim() || lastLine(join(options.folder, 'dovecot.log'))));
    });
    const failure = await Promise.race([failed, answers(options.port)]);
    if (failure === undefined) return server;
    await server.stop();
    throw new MailServerError(`Dovecot ${version} (${options.program}) did not start: ${failure}`);
  }

  /** Ends all its processes. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM');
    for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(20)) if (!this.#signal(0)) return;
    this.#signal('SIGKILL');
  }

  /** Without waiting, for when this process is ending. */
  stopNow(): void {
    this.#signal('SIGKILL');
  }

  /** To its process group, which its children share. False when nobody is there any more. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#master;
    if (pid === undefined) return false;
    try {
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  }
}

function versionOf(program: string): string {
  let version: string;
  try {
    [version = ''] = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).split(/\s/);
  } catch (error) {
    throw new MailServerError(`${program} cannot be run: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (version.startsWith('2.3.')) return version;
  throw new MailServerError(`${program} is version ${version}; this demonstration can only set up Dovecot 2.3`);
}

/** @returns the configuration file */
function prepare({ folder, port, certificate, key }: MailServerOptions): string {
  const root = process.getuid?.() === 0;
  const closed = root ? closedToOthers(folder) : undefined;
  if (closed !== undefined) {
    throw new MailServerError(`Dovecot's processes cannot reach ${folder}: others may not enter ${closed} (chmod o+x)`);
  }
  const { uid, gid, username } = userInfo();
  const owner = root ? NOBODY : { uid, gid };
  const mail = join(folder, 'mail');
  if (!existsSync(mail)) writeMaildirs(mail, demoLetters(new Date()), root ? owner : undefined);
  const users = join(folder, 'users');
  writeFileSync(users, PEOPLE.map(({ login }) => `${login}:{PLAIN}${PASSWORD}\n`).join(''));
  // Read by its own user, whatever the umask; the password is no secret here.
  chmodSync(users, 0o644);
  for (const name of ['run', 'state']) mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
  const runAs = root ? undefined : { user: username, group: execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim() };
  const config = join(folder, 'dovecot.conf');
  writeFileSync(config, dovecotConfiguration({ folder, port, certificate, key, owner, runAs }));
  return config;
}

/** Resolves once it answers by TLS; to a reason when it does not in time. */
async function answers(port: number): Promise<string | undefined> {
  for (const until = Date.now() + START_MS; Date.now() < until; await sleep(30)) {
    const answered = await fetchPeerCertificates({ host: '127.0.0.1', port }, 'implicit', 2000).then(
      () => true,
      () => false,
    );
    if (answered) return undefined;
  }
  return `it did not answer within ${START_MS / 1000} s`;
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? 'it said nothing';
  } catch {
    return 'it said nothing';
  }
}
