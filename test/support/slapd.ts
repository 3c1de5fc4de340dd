import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import { peer } from './peer-table.ts';
import { freezeTree, until } from './processes.ts';
import { type TestCertificate, testCa } from './test-ca.ts';

/** Why there can be no slapd here; undefined when there can. */
export const slapdMissing: string | undefined = peer('slapd') ? undefined : 'slapd is not installed (Debian: slapd)';

export const SLAPD_BASE = 'dc=example,dc=org';
export const SLAPD_USERS = `ou=people,${SLAPD_BASE}`;
export const SLAPD_SERVICE = { dn: `cn=postern,ou=services,${SLAPD_BASE}`, password: 'service secret' };
/** Everybody's. */
export const SLAPD_PASSWORD = 'secret';

export interface SlapdOptions {
  /** How many: u000, u001, ... with uid, mail (uNNN@example.org), mailHost (hostN.example.org, N = number modulo 4). */
  readonly users?: number;
  /** More entries, as LDIF. */
  readonly ldif?: string;
  readonly certificate?: TestCertificate;
}

/**
 * A real OpenLDAP server in a temporary folder, on loopback, with StartTLS and LDAPS. Besides the users there are `mustchange`, who must
 * change the password first, `locked`, `twin` twice by mail, `zoë` and `odd(*)\name`; the groups `even` and `staff` (everybody) by
 * the memberOf overlay. Ports stay the same over `stop`, `kill` and `start`.
 */
export class Slapd {
  readonly folder: string;
  /** For StartTLS, and for plaintext. */
  readonly port: number;
  /** For TLS from the first byte. */
  readonly tlsPort: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, tlsPort: number) {
    this.folder = folder;
    this.port = port;
    this.tlsPort = tlsPort;
  }

  /** @throws with its log when it does not answer */
  static async start(options: SlapdOptions = {}): Promise<Slapd> {
    const [port = 0, tlsPort = 0] = await freePorts(2);
    const folder = mkdtempSync(join(tmpdir(), 'postern-slapd-'));
    chmodSync(folder, 0o700);
    const slapd = new Slapd(folder, port, tlsPort);
    mkdirSync(join(folder, 'db'));
    try {
      slapd.#configure(options.certificate ?? (await testCa()).good);
      writeFileSync(join(folder, 'data.ldif'), `${directoryLdif(options.users ?? 20)}\n${options.ldif ?? ''}`);
      execFileSync(program(), ['-Tadd', '-q', '-f', slapd.#file('slapd.conf'), '-l', slapd.#file('data.ldif')], {
        stdio: 'pipe',
      });
      await slapd.start();
    } catch (error) {
      await slapd.remove();
      throw error;
    }
    return slapd;
  }

  /** Process id. @throws when it does not run */
  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('this slapd does not run');
    return pid;
  }

  /** @param certificate shown from now on */
  async start(certificate?: TestCertificate): Promise<void> {
    if (certificate) this.#configure(certificate);
    const log = openSync(this.#file('log'), 'a');
    const urls = `ldap://127.0.0.1:${this.port} ldaps://127.0.0.1:${this.tlsPort}`;
    const child = spawn(program(), ['-d', 'none', '-f', this.#file('slapd.conf'), '-h', urls], {
      stdio: ['ignore', log, log],
    });
    this.#process = child;
    await until(`slapd answers on port ${this.port}`, () => {
      if (child.exitCode !== null) throw new Error(`slapd ended at once:\n${readFileSync(this.#file('log'), 'utf8')}`);
      return accepts(this.port);
    });
  }

  /** Asks it to end: open connections are closed by it. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Ends it at once. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it and starts it again on the same ports. */
  async restart(certificate?: TestCertificate): Promise<void> {
    await this.stop();
    await this.start(certificate);
  }

  /** Stops it where it is: connections are accepted by the kernel, and nobody answers. */
  freeze(): void {
    freezeTree(this.pid);
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it if it runs, and deletes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  }

  #file(name: string): string {
    return join(this.folder, name);
  }

  #configure(certificate: TestCertificate): void {
    writeFileSync(this.#file('server.crt'), certificate.certificate);
    writeFileSync(this.#file('server.key'), certificate.key);
    writeFileSync(this.#file('slapd.conf'), configuration(this.folder));
  }
}

function program(): string {
  const found = peer('slapd');
  if (!found) throw new Error('slapd is not installed');
  return found.path;
}

function configuration(folder: string): string {
  return [
    ...['core', 'cosine', 'inetorgperson', 'misc'].map(schema => `include /etc/ldap/schema/${schema}.schema`),
    'modulepath /usr/lib/ldap',
    ...['back_mdb', 'memberof', 'ppolicy'].map(module => `moduleload ${module}`),
    `pidfile ${folder}/pid`,
    `TLSCertificateFile ${folder}/server.crt`,
    `TLSCertificateKeyFile ${folder}/server.key`,
    'TLSVerifyClient never',
    'threads 4',
    'database mdb',
    `suffix ${SLAPD_BASE}`,
    `directory ${folder}/db`,
    'maxsize 33554432',
    'dbnosync',
    `rootdn cn=admin,${SLAPD_BASE}`,
    'rootpw admin',
    'index objectClass,uid,mail eq',
    'sizelimit 100',
    `limits dn.exact=${SLAPD_SERVICE.dn} size.soft=100 size.hard=100 size.prtotal=unlimited`,
    'access to attrs=userPassword by self =w by anonymous auth by * none',
    `access to dn.subtree=${SLAPD_BASE} by dn.exact=${SLAPD_SERVICE.dn} read by self read by anonymous auth by * none`,
    'overlay memberof',
    'overlay ppolicy',
    `ppolicy_default cn=default,ou=policies,${SLAPD_BASE}`,
    'ppolicy_use_lockout',
    '',
  ].join('\n');
}

function directoryLdif(users: number): string {
  const names = Array.from({ length: users }, (_, index) => `u${String(index).padStart(3, '0')}`);
  const dnOf = (name: string) => `uid=${name},${SLAPD_USERS}`;
  const groups = [
    { dn: `cn=staff,ou=groups,${SLAPD_BASE}`, members: names },
    { dn: `cn=even,ou=groups,${SLAPD_BASE}`, members: names.filter((_, index) => index % 2 === 0) },
  ].filter(({ members }) => members.length > 0);
  return [
    entry(SLAPD_BASE, { objectClass: ['dcObject', 'organization'], dc: ['example'], o: ['Example'] }),
    ...['people', 'groups', 'services', 'policies'].map(ou =>
      entry(`ou=${ou},${SLAPD_BASE}`, { objectClass: ['organizationalUnit'], ou: [ou] }),
    ),
    entry(`cn=default,ou=policies,${SLAPD_BASE}`, {
      objectClass: ['device', 'pwdPolicy'],
      cn: ['default'],
      pwdAttribute: ['userPassword'],
      pwdLockout: ['TRUE'],
      pwdMaxFailure: ['0'],
      pwdMustChange: ['TRUE'],
    }),
    entry(SLAPD_SERVICE.dn, {
      objectClass: ['applicationProcess', 'simpleSecurityObject'],
      cn: ['postern'],
      userPassword: [hashed(SLAPD_SERVICE.password)],
    }),
    ...names.map((name, index) =>
      person(dnOf(name), name, {
        mail: [`${name}@example.org`],
        mailHost: [`host${index % 4}.example.org`],
        memberOf: groups.filter(({ members }) => members.includes(name)).map(({ dn }) => dn),
      }),
    ),
    ...groups.map(({ dn, members }) =>
      entry(dn, { objectClass: ['groupOfNames'], cn: [dn.slice(3, dn.indexOf(','))], member: members.map(dnOf) }),
    ),
    person(dnOf('mustchange'), 'mustchange', { mail: ['mustchange@example.org'], pwdReset: ['TRUE'] }),
    person(dnOf('locked'), 'locked', { mail: ['locked@example.org'], pwdAccountLockedTime: ['000001010000Z'] }),
    person(dnOf('twin1'), 'twin1', { mail: ['twin@example.org'] }),
    person(dnOf('twin2'), 'twin2', { mail: ['twin@example.org'] }),
    person(dnOf('zoë'), 'zoë', { mail: ['zoe@example.org'] }),
    person(`uid=odd(*)\\5Cname,${SLAPD_USERS}`, 'odd(*)\\name', { mail: ['odd@example.org'] }),
  ].join('\n');
}

function person(dn: string, uid: string, attributes: Record<string, readonly string[]>): string {
  return entry(dn, {
    objectClass: ['inetOrgPerson', 'inetLocalMailRecipient'],
    uid: [uid],
    cn: [`User ${uid}`],
    sn: [uid],
    userPassword: [hashed(SLAPD_PASSWORD)],
    ...attributes,
  });
}

/** Values in base64, so that none has to be looked at. */
function entry(dn: string, attributes: Record<string, readonly string[]>): string {
  const line = (name: string, value: string) => `${name}:: ${Buffer.from(value).toString('base64')}`;
  const lines = Object.entries(attributes).flatMap(([name, values]) => values.map(value => line(name, value)));
  return `${[line('dn', dn), ...lines].join('\n')}\n`;
}

function hashed(password: string): string {
  const salt = randomBytes(8);
  const digest = createHash('sha1').update(password).update(salt).digest();
  return `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
