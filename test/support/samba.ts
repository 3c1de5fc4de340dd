import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { describeWithPeers, peer } from './peers.ts';
import { freezeTree, signalTree, until } from './processes.ts';
import { testCa } from './test-ca.ts';

export const SAMBA_BASE = 'DC=ad,DC=test';
export const SAMBA_STAFF = `OU=Staff,${SAMBA_BASE}`;
/** Logs in as UPN; may read everything that users may. */
export const SAMBA_SERVICE = { dn: 'postern@ad.test', password: 'Pw-postern1' };
/** Everybody's, by the name of the account. */
export const sambaPassword = (name: string) => `Pw-${name}1`;

const POPULATE = join(import.meta.dirname, 'samba-populate.py');
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const run = promisify(execFile);

/** A suite that needs a domain controller: Samba's packages, and root for its ports and extended attributes. */
export function describeWithSamba(title: string, body: () => void): void {
  if (process.getuid?.() === 0) describeWithPeers(['samba'], title, body);
  else describe.skip(`${title} [needs root]`, body);
}

/**
 * A Samba domain controller of the domain ad.test (ADTEST) on a loopback address of its own: LDAP 389 and 636, the global catalog 3268 and
 * 3269, Kerberos 88. Who is in it: `samba-populate.py`. Cleartext binds are refused, as by hardened domain controllers. A domain is provisioned
 * once a week into the temporary folder (some 6 s), and copied for each instance.
 */
export class SambaDc {
  readonly folder: string;
  readonly host: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, host: string) {
    this.folder = folder;
    this.host = host;
  }

  /** @throws with its log when it does not answer */
  static async start(): Promise<SambaDc> {
    const pristine = await provisioned();
    const folder = mkdtempSync(join(tmpdir(), 'postern-samba-'));
    const samba = new SambaDc(folder, `127.${randomInt(20, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`);
    try {
      cpSync(pristine, samba.#path, { recursive: true, preserveTimestamps: true });
      await writeConfiguration(samba.#path, samba.host);
      await samba.start();
    } catch (error) {
      await samba.remove();
      throw error;
    }
    return samba;
  }

  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'log'), 'a');
    const child = spawn(program('samba'), ['-F', '--no-process-group', '-M', 'single', '-s', confOf(this.#path)], {
      stdio: ['ignore', log, log],
    });
    this.#process = child;
    // A hook that fails leaves it behind otherwise.
    process.once('exit', () => void child.kill('SIGKILL'));
    await until('Samba answers', async () => {
      if (child.exitCode !== null)
        throw new Error(`Samba ended at once:\n${readFileSync(join(this.folder, 'log'), 'utf8')}`);
      return (await accepts(this.host, 636)) && (await accepts(this.host, 3269));
    });
  }

  /** Changes entries on the server's own database: LDIF for ldbmodify. */
  async modify(ldif: string): Promise<void> {
    const file = join(this.folder, 'change.ldif');
    writeFileSync(file, ldif);
    await run('ldbmodify', ['-H', join(this.#path, 'private/sam.ldb'), `--configfile=${confOf(this.#path)}`, file]);
  }

  freeze(): void {
    if (this.#process?.pid !== undefined) freezeTree(this.#process.pid);
  }

  thaw(): void {
    if (this.#process?.pid !== undefined) signalTree(this.#process.pid, 'SIGCONT');
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    signalTree(child.pid, 'SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #path(): string {
    return join(this.folder, 'dc');
  }
}

/** The folder of a domain that was never started. */
async function provisioned(): Promise<string> {
  const key = createHash('sha256').update(readFileSync(POPULATE)).digest('hex').slice(0, 12);
  // Passwords of the domain grow old.
  const pristine = join(tmpdir(), `postern-samba-domain-${key}-${Math.floor(Date.now() / WEEK_MS)}`);
  if (existsSync(pristine)) return pristine;
  const folder = mkdtempSync(join(tmpdir(), 'postern-samba-new-'));
  try {
    await run('samba-tool', [
      ...['domain', 'provision', '--realm=AD.TEST', '--domain=ADTEST', '--server-role=dc', '--dns-backend=NONE'],
      ...['--host-name=dc1', '--host-ip=127.0.0.1', '--adminpass=Passw0rd-admin', `--targetdir=${folder}`],
      ...['--option=interfaces=127.0.0.1/8', '--option=bind interfaces only=yes'],
    ]);
    await writeConfiguration(folder, '127.0.0.1');
    await run('/usr/bin/python3', [POPULATE, confOf(folder)]);
    // Who comes second finds it there.
    if (!existsSync(pristine)) renameSync(folder, pristine);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return pristine;
}

async function writeConfiguration(folder: string, host: string): Promise<void> {
  const { good, file } = await testCa();
  const at = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: name === 'ntp_signd' ? 0o750 : 0o755 });
    return path;
  };
  at('etc');
  at('log');
  at('state/sysvol/ad.test/scripts');
  const lines = [
    '[global]',
    'netbios name = DC1',
    'realm = AD.TEST',
    'workgroup = ADTEST',
    'server role = active directory domain controller',
    'server services = ldap, cldap, kdc',
    `interfaces = ${host}/8`,
    'bind interfaces only = yes',
    `private dir = ${at('private')}`,
    `state directory = ${at('state')}`,
    `cache directory = ${at('cache')}`,
    `lock directory = ${at('lock')}`,
    `pid directory = ${at('pid')}`,
    `binddns dir = ${at('bind-dns')}`,
    `ncalrpc dir = ${at('ncalrpc')}`,
    `ntp signd socket directory = ${at('ntp_signd')}`,
    `winbindd socket directory = ${at('winbindd')}`,
    `log file = ${folder}/log/log.%m`,
    'ldap server require strong auth = yes',
    'tls enabled = yes',
    `tls keyfile = ${good.keyFile}`,
    `tls certfile = ${good.certificateFile}`,
    `tls cafile = ${file}`,
    '[sysvol]',
    `path = ${folder}/state/sysvol`,
    '[netlogon]',
    `path = ${folder}/state/sysvol/ad.test/scripts`,
  ];
  writeFileSync(confOf(folder), `${lines.join('\n')}\n`);
}

function confOf(folder: string): string {
  return join(folder, 'etc/smb.conf');
}

function program(name: 'samba'): string {
  const found = peer(name);
  if (!found) throw new Error(`${name} is not installed`);
  return found.path;
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
