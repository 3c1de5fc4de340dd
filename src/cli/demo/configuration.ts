import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE, DIRECTORY, SERVICE_DN } from './people.ts';

export interface DemoConfiguration {
  /** Of Postern; 0 = any that is free. */
  readonly port: number;
  /** On 127.0.0.1. */
  readonly directoryPort: number;
  readonly servicePassword: string;
}

/** Writes a configuration as an administrator would, and returns its path. Paths in it start at its folder. */
export function writeConfiguration(folder: string, choices: DemoConfiguration): string {
  const file = join(folder, 'postern.yaml');
  writeFileSync(join(folder, 'ldap-password'), `${choices.servicePassword}\n`, { mode: 0o600 });
  writeFileSync(file, configurationText(choices));
  return file;
}

function configurationText({ port, directoryPort }: DemoConfiguration): string {
  return `# Made by "postern demo". Change it and say "postern reload": the running demonstration takes it over.

server:
  name: localhost
  data: data

log:
  level: info
  file: postern.log
  audit: { file: audit.log } # a line for each login: what the demonstration shows

admin:
  socket: admin.sock
  http: "127.0.0.1:0" # /health, /ready, /metrics, on a port of the system's choice

listeners:
  - { address: "127.0.0.1:${port}", tls: implicit }

tls:
  certificates:
    - { certificate: certs/localhost.crt, key: certs/localhost.key }

limits: { drain: 1s }

directories:
  ${DIRECTORY}:
    kind: ldap
    servers: ["127.0.0.1:${directoryPort}"]
    tls: implicit
    ca: certs/ca.crt
    bind: { dn: "${SERVICE_DN}", password: { file: ldap-password } }
    users:
      base: "ou=people,${BASE}"
      filter: "(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))"

authentication:
  directories: [${DIRECTORY}]

stores:
  local: { kind: sqlite, create: first-login } # below server.data

routes:
  - when: { group: "cn=staff,ou=groups,${BASE}" }
    mounts: [{ prefix: "", store: local }]
  - refuse: "Your mailbox is not set up yet; please call the help desk."
`;
}
