import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type DovecotOptions, type DovecotPorts, dovecotConfig } from './dovecot-config.ts';
import { freePorts } from './free-ports.ts';
import { peer } from './peer-table.ts';
import { freezeTree, isAlive, processTree, signalProcess, signalTree, until } from './processes.ts';
import { type CertificateFiles, selfSigned } from './self-signed.ts';

export type { DovecotOptions } from './dovecot-config.ts';

/** Whether there is no Dovecot on this machine. */
export const dovecotMissing = peer('dovecot') === undefined;

/** Debian's "nobody": mail may not belong to root. */
const NOBODY = { uid: 65534, gid: 65534 };

/**
 * A real Dovecot in a temporary folder, on loopback, as the mail server behind Postern. Mail is kept as Maildir. Ports stay the same
 * over `stop`, `start` and `kill`; `remove` ends it and deletes everything.
 */
export class Dovecot {
  readonly folder: string;
  readonly ports: DovecotPorts;
  /** What it shows; its `certificate` is also the authority to verify it by. */
  readonly certificate: CertificateFiles;
  readonly #options: DovecotOptions;
  readonly #owner: { uid: number; gid: number };
  #master: ChildProcess | undefined;
  #delivered = 0;

  private constructor(folder: string, ports: DovecotPorts, options: DovecotOptions) {
    this.folder = folder;
    this.ports = ports;
    this.#options = options;
    this.#owner = process.getuid?.() === 0 ? NOBODY : { uid: userInfo().uid, gid: userInfo().gid };
    this.certificate = options.certificate ?? selfSigned(folder);
  }

  /** Starts one and waits until it greets. @throws with its log when it does not */
  static async start(options: DovecotOptions = {}): Promise<Dovecot> {
    const [plain = 0, tls = 0, proxyPlain = 0, proxyTls = 0] = await freePorts(4);
    const folder = mkdtempSync(join(tmpdir(), 'postern-dovecot-'));
    // Its login processes run as other users and must reach their sockets.
    chmodSync(folder, 0o755);
    const dovecot = new Dovecot(folder, { plain, tls, proxyPlain, proxyTls }, options);
    dovecot.#write();
    try {
      await dovecot.start();
    } catch (error) {
      await dovecot.remove();
      throw error;
    }
    return dovecot;
  }

  /** Process id of its master. @throws when it does not run */
  get pid(): number {
    const pid = this.#master?.pid;
    if (pid === undefined) throw new Error('this Dovecot does not run');
    return pid;
  }

  async start(): Promise<void> {
    const program = peer('dovecot');
    if (!program) throw new Error('dovecot is not installed');
    const master = spawn(program.path, ['-F', '-c', join(this.folder, 'dovecot.conf')], { stdio: 'ignore' });
    this.#master = master;
    await until(`Dovecot greets on port ${this.ports.plain}`, async () => {
      if (master.exitCode !== null) throw new Error(`Dovecot ended at once:\n${this.#explain()}`);
      return (await greeting(this.ports.plain)).startsWith('* ');
    });
  }

  /** Asks it to end and waits for all its processes; open connections are closed by it. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Ends all its processes at once, without a word to anybody. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops all its processes where they are: connections are accepted by the kernel, and nobody answers. */
  freeze(): void {
    freezeTree(this.pid);
  }

  thaw(): void {
    signalTree(this.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends it if it runs, and deletes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Puts a message into a user's mailbox as a delivery agent does; IDLE clients are told. Returns the file's path. */
  deliver(user: string, message: string | Uint8Array, mailbox = 'INBOX'): string {
    const root = this.maildir(user);
    const folder = mailbox === 'INBOX' ? root : join(root, `.${mailbox.replaceAll('/', '.')}`);
    this.#makeMaildir(folder);
    this.#delivered += 1;
    const name = `${Math.floor(Date.now() / 1000)}.M${this.#delivered}P${process.pid}.postern`;
    const draft = join(folder, 'tmp', name);
    const place = join(folder, 'new', name);
    writeFileSync(draft, message);
    chownSync(draft, this.#owner.uid, this.#owner.gid);
    renameSync(draft, place);
    return place;
  }

  /** The folder of a user's INBOX. */
  maildir(user: string): string {
    return join(this.folder, 'mail', user.replace(/@.*$/, ''), 'Maildir');
  }

  /** Everything it has logged. */
  logText(): string {
    try {
      return readFileSync(join(this.folder, 'log'), 'utf8');
    } catch {
      return '';
    }
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const master = this.#master;
    this.#master = undefined;
    if (master?.pid === undefined) return;
    // Listed before the master is gone: orphans could not be found afterwards.
    const members = processTree(master.pid).map(({ pid }) => pid);
    if (signal === 'SIGKILL') for (const pid of members) signalProcess(pid, 'SIGKILL');
    else signalProcess(master.pid, 'SIGTERM');
    try {
      await until('Dovecot ends', () => !members.some(isAlive), 5000);
    } catch (error) {
      if (signal === 'SIGKILL') throw error;
      for (const pid of members) signalProcess(pid, 'SIGKILL');
      await until('Dovecot ends', () => !members.some(isAlive), 5000);
    }
  }

  #write(): void {
    const { users = { alice: 'secret', bob: 'secret' }, masters } = this.#options;
    const passwords = (entries: Readonly<Record<string, string>>) =>
      Object.entries(entries)
        .map(([name, password]) => `${name}:{PLAIN}${password}\n`)
        .join('');
    for (const [name, entries] of [
      ['users', users],
      ['masters', masters ?? {}],
    ] as const) {
      writeFileSync(join(this.folder, name), passwords(entries));
      // Read by another user, whatever the umask.
      chmodSync(join(this.folder, name), 0o644);
    }
    const { username } = userInfo();
    const runAs = process.getuid?.() === 0 ? undefined : { user: username, group: groupName() };
    const { folder, ports, certificate } = this;
    const config = dovecotConfig(this.#options, { folder, ports, certificate, ...this.#owner, runAs });
    writeFileSync(join(folder, 'dovecot.conf'), config);
    this.#makeFolder(join(folder, 'mail'));
  }

  #makeMaildir(folder: string): void {
    if (existsSync(join(folder, 'new'))) return;
    const parents = folder.slice(join(this.folder, 'mail').length).split('/').filter(Boolean);
    let path = join(this.folder, 'mail');
    for (const part of parents) {
      path = join(path, part);
      this.#makeFolder(path);
    }
    for (const part of ['cur', 'new', 'tmp']) this.#makeFolder(join(folder, part));
    if (folder.includes('/Maildir/.')) {
      writeFileSync(join(folder, 'maildirfolder'), '');
      chownSync(join(folder, 'maildirfolder'), this.#owner.uid, this.#owner.gid);
    }
  }

  #makeFolder(path: string): void {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chownSync(path, this.#owner.uid, this.#owner.gid);
  }

  #explain(): string {
    const log = this.logText();
    if (log !== '') return log;
    try {
      return execFileSync('doveconf', ['-n', '-c', join(this.folder, 'dovecot.conf')], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function groupName(): string {
  return execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim();
}

/** The first line a server says; empty when nobody listens. */
function greeting(port: number): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (text: string) => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(2000, () => finish(''));
    socket.once('data', data => finish(data.toString('latin1')));
    socket.once('error', () => finish(''));
    socket.once('close', () => finish(''));
  });
}
