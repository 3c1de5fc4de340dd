import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../support/free-ports.ts';
import { peer } from '../support/peer-table.ts';
import { type Program, startProgram } from './program.ts';

/** An OpenLDAP with the users of the benchmark. */
export interface BenchDirectory extends Program {
  readonly port: number;
}

export const BASE = 'dc=example,dc=org';
export const PEOPLE = `ou=people,${BASE}`;
/** The account that front doors search with. */
export const SERVICE = { dn: `cn=front,${BASE}`, password: 'service-secret' } as const;
export const PASSWORD = 'secret';

/** u000, u001, ... */
export function userName(index: number): string {
  return `u${String(index).padStart(3, '0')}`;
}

export async function startDirectory(folder: string, users: number): Promise<BenchDirectory> {
  const slapd = peer('slapd');
  if (!slapd) throw new Error('slapd is not installed');
  const home = join(folder, 'slapd');
  mkdirSync(join(home, 'db'), { recursive: true });
  const [port = 0] = await freePorts(1);
  const config = join(home, 'slapd.conf');
  writeFileSync(config, slapdConfig(home));
  writeFileSync(join(home, 'entries.ldif'), entries(users));
  execFileSync('slapadd', ['-q', '-f', config, '-l', join(home, 'entries.ldif')], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
    stdio: 'pipe',
  });
  const program = await startProgram(
    'slapd',
    slapd.path,
    ['-f', config, '-h', `ldap://127.0.0.1:${port}`, '-d', '0'],
    port,
    home,
  );
  return { ...program, port };
}

function slapdConfig(home: string): string {
  return `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/misc.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${home}/slapd.pid
loglevel none
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth
database mdb
suffix "${BASE}"
directory ${home}/db
maxsize 268435456
index objectClass eq
index uid,mail eq
`;
}

function entries(users: number): string {
  const lines = [
    ...[`dn: ${BASE}`, 'objectClass: dcObject', 'objectClass: organization', 'dc: example', 'o: Example', ''],
    ...[`dn: ${PEOPLE}`, 'objectClass: organizationalUnit', 'ou: people', ''],
    ...[`dn: ${SERVICE.dn}`, 'objectClass: organizationalRole', 'objectClass: simpleSecurityObject', 'cn: front'],
    ...[`userPassword: ${saltedSha1(SERVICE.password)}`, ''],
  ];
  for (let index = 0; index < users; index += 1) {
    const uid = userName(index);
    lines.push(`dn: uid=${uid},${PEOPLE}`, 'objectClass: inetOrgPerson', 'objectClass: inetLocalMailRecipient');
    lines.push(`uid: ${uid}`, `cn: User ${index}`, `sn: ${index}`, `mail: ${uid}@example.org`, 'mailHost: 127.0.0.1');
    lines.push(`userPassword: ${saltedSha1(PASSWORD)}`, '');
  }
  return `${lines.join('\n')}\n`;
}

/** {SSHA}: what OpenLDAP stores by default, and cheap enough not to drown the front door's own cost. */
function saltedSha1(password: string): string {
  const salt = randomBytes(8);
  return `{SSHA}${Buffer.concat([createHash('sha1').update(password).update(salt).digest(), salt]).toString('base64')}`;
}
