import { expect } from 'vitest';
import { makePair } from './made-certificates.ts';
import { CONFIG_FILE, type MadeUpMachine } from './made-up-machine.ts';

/** Each line is what a case below replaces; every case breaks this one file. */
export const WORKING = `server:
  name: mail.example.org
  workers: 1
log: { level: info }
listeners:
  - address: "[::]:993"
    tls: implicit
  - { address: "127.0.0.1:1143", tls: none, name: inner }
tls:
  certificates:
    - certificate: mail.crt
      key: mail.key
limits: { idle: 30m, literal: 100m, literal_before_login: 8k }
directories:
  corp:
    kind: ldap
    servers: [ldap.example.org]
    bind:
      dn: "cn=postern,dc=example,dc=org"
      password: { file: ldap-password }
    users:
      base: "ou=people,dc=example,dc=org"
      filter: "(uid={login})"
authentication:
  directories: [corp]
  mechanisms: [PLAIN, LOGIN]
  throttle: { delay: 1s, maximum: 15s }
upstreams:
  legacy:
    servers: [old.example.org]
    login: { as: master, user: postern, password: { env: MASTER }, format: "{user}*{master}" }
routes:
  - when: { host: old.example.org, listener: inner }
    relay: legacy
  - relay: legacy
`;

/** The machine on which it works, with further files for the cases. */
export async function workingMachine(): Promise<MadeUpMachine> {
  const [mail, other] = await Promise.all([makePair('mail.example.org'), makePair('other.example.org')]);
  return {
    env: { MASTER: 'master-secret', EMPTY: '' },
    files: {
      '/etc/postern/mail.crt': mail.certificate,
      '/etc/postern/mail.key': mail.key,
      '/etc/postern/other.crt': other.certificate,
      '/etc/postern/chain-in-wrong-order.crt': other.certificate + mail.certificate,
      '/etc/postern/damaged.crt': mail.certificate.replace(/\n[^\n]{10}/, '\n'),
      '/etc/postern/locked.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n',
      '/etc/postern/ldap-password': 'ldap-secret\n',
      '/etc/postern/empty': '\n',
      '/etc/postern/two-lines': 'secret\nof two lines\n',
    },
  };
}

export interface Expected {
  readonly line: number;
  readonly column?: number;
  readonly path: string;
  /** Part of what is said to be wrong. */
  readonly says: string;
  /** Part of what is said to be right. */
  readonly mend: string;
}

export type Case = readonly [written: string, instead: string, expected: Expected];

/** The working file with one part replaced. */
export function replaced(written: string, instead: string): string {
  const parts = WORKING.split(written);
  if (parts.length < 2) throw new Error(`the working file has no ${JSON.stringify(written)}`);
  return `${parts[0]}${instead}${parts.slice(1).join(written)}`;
}

export function expectProblem(problem: unknown, { line, column, path, says, mend }: Expected): void {
  expect(problem).toMatchObject({
    file: CONFIG_FILE,
    line,
    column: column ?? expect.any(Number),
    path,
    message: expect.stringContaining(says),
    mend: expect.stringContaining(mend),
  });
}
