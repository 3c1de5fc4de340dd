import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../support/free-ports.ts';
import { type PeerName, peer } from '../support/peer-table.ts';
import { startPostern } from '../support/postern.ts';
import type { CertificateFiles } from '../support/self-signed.ts';
import { BASE, PEOPLE, SERVICE } from './directory.ts';
import type { Measured } from './meter.ts';
import { startProgram } from './program.ts';

/** What every front door stands on in a run: the same directory, mail store and certificate. */
export interface Ground {
  readonly folder: string;
  readonly certificate: CertificateFiles;
  readonly ldapPort: number;
  readonly storePlainPort: number;
  readonly storeTlsPort: number;
  /** Runs Postern from dist. */
  readonly dist: boolean;
}

export interface Front {
  /** Its IMAPS port. */
  readonly port: number;
  /** Its own processes: what a login or a relayed byte costs is counted in these. */
  readonly processes: readonly Measured[];
  stop(): Promise<void>;
}

export type FrontName = 'postern' | 'dovecot' | 'nginx' | 'haproxy';

export interface FrontKind {
  readonly name: FrontName;
  readonly title: string;
  readonly peers: readonly PeerName[];
  /** Whether it can talk TLS to the mail store. */
  readonly tlsUpstream: boolean;
  start(ground: Ground, upstreamTls: boolean): Promise<Front>;
}

function program(name: PeerName): string {
  const found = peer(name);
  if (!found) throw new Error(`${name} is not installed`);
  return found.path;
}

function homeOf(ground: Ground, name: string): string {
  const home = join(ground.folder, name);
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o755);
  return home;
}

async function startPosternFront(ground: Ground, upstreamTls: boolean): Promise<Front> {
  const postern = await startPostern(posternConfig(ground, upstreamTls), { dist: ground.dist });
  return {
    port: postern.port(),
    processes: [{ label: 'postern', pid: postern.pid }],
    stop: async () => {
      await postern.stop();
      await postern.remove();
    },
  };
}

/** Every login is checked by the directory, as for the others: no result cache. */
function posternConfig(ground: Ground, upstreamTls: boolean) {
  return {
    listeners: [{ name: 'imaps', address: '127.0.0.1:0', tls: 'implicit' }],
    tls: { certificates: [ground.certificate] },
    limits: { connections: 50_000, per_address: 50_000, per_login: 50_000 },
    directories: {
      bench: {
        kind: 'ldap',
        servers: [`127.0.0.1:${ground.ldapPort}`],
        tls: 'none',
        bind: SERVICE,
        users: { base: PEOPLE, filter: '(&(objectClass=inetOrgPerson)(uid={login}))' },
      },
    },
    authentication: { directories: ['bench'], cache: { ttl: 0 } },
    upstreams: {
      store: upstreamTls
        ? { servers: [`127.0.0.1:${ground.storeTlsPort}`], tls: 'implicit', ca: ground.certificate.certificate }
        : { servers: [`127.0.0.1:${ground.storePlainPort}`], tls: 'none' },
    },
    routes: [{ relay: 'store' }],
  };
}

/** Dovecot as a proxy: searches with the service account, binds as the user, connects to the host in the user's entry. */
async function startDovecotProxy(ground: Ground, upstreamTls: boolean): Promise<Front> {
  const home = homeOf(ground, upstreamTls ? 'dovecot-proxy-tls' : 'dovecot-proxy');
  const [plain = 0, port = 0] = await freePorts(2);
  const upstream = upstreamTls ? `=port=${ground.storeTlsPort}, =ssl=any-cert` : `=port=${ground.storePlainPort}`;
  writeFileSync(
    join(home, 'ldap.conf'),
    `hosts = 127.0.0.1:${ground.ldapPort}
ldap_version = 3
dn = ${SERVICE.dn}
dnpass = ${SERVICE.password}
base = ${PEOPLE}
scope = onelevel
auth_bind = yes
pass_filter = (&(objectClass=inetOrgPerson)(uid=%n))
pass_attrs = uid=user, mailHost=host, =proxy=y, ${upstream}
`,
  );
  writeFileSync(
    join(home, 'dovecot.conf'),
    `base_dir = ${home}/run
state_dir = ${home}/state
log_path = ${home}/log
instance_name = ${home}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${ground.certificate.certificate}
ssl_key = <${ground.certificate.key}
ssl_min_protocol = TLSv1.2
auth_mechanisms = plain login
default_process_limit = 4096
default_client_limit = 20000
default_vsz_limit = 2G
mail_max_userip_connections = 100000
passdb {
  driver = ldap
  args = ${home}/ldap.conf
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}
service imap-login {
  service_count = 0
  process_min_avail = 2
  process_limit = 2
  client_limit = 10000
  inet_listener imap {
    port = ${plain}
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
service auth {
  client_limit = 16000
}
service anvil {
  client_limit = 20000
}
service stats {
  client_limit = 20000
}
`,
  );
  const { pid, stop } = await startProgram(
    'dovecot',
    program('dovecot'),
    ['-F', '-c', join(home, 'dovecot.conf')],
    port,
    home,
  );
  return { port, processes: [{ label: 'dovecot', pid }], stop };
}

/** nginx's mail proxy: asks an HTTP server about each login; no TLS to the mail store. */
async function startNginx(ground: Ground): Promise<Front> {
  const home = homeOf(ground, 'nginx');
  const [port = 0, authPort = 0] = await freePorts(2);
  writeFileSync(
    join(home, 'nginx.conf'),
    `load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off;
${process.getuid?.() === 0 ? 'user www-data;' : ''}
worker_processes 2;
worker_rlimit_nofile 20000;
pid ${home}/nginx.pid;
error_log ${home}/nginx.log warn;
events { worker_connections 8192; }
mail {
  auth_http 127.0.0.1:${authPort}/;
  proxy on;
  imap_capabilities "IMAP4rev1" "SASL-IR" "IDLE";
  imap_auth plain login;
  proxy_timeout 24h;
  ssl_certificate ${ground.certificate.certificate};
  ssl_certificate_key ${ground.certificate.key};
  ssl_protocols TLSv1.2 TLSv1.3;
  server { listen 127.0.0.1:${port} ssl; protocol imap; }
}
`,
  );
  const authScript = fileURLToPath(new URL('./auth-http.ts', import.meta.url));
  const authArgs = [
    `--port=${authPort}`,
    `--ldap=${ground.ldapPort}`,
    `--people=${PEOPLE}`,
    `--store=${ground.storePlainPort}`,
  ];
  const auth = await startProgram('auth-http', process.execPath, [authScript, ...authArgs], authPort, home);
  const nginx = await startProgram('nginx', program('nginx'), ['-p', home, '-c', join(home, 'nginx.conf')], port, home);
  return {
    port,
    processes: [
      { label: 'nginx', pid: nginx.pid },
      { label: 'its auth server', pid: auth.pid },
    ],
    stop: async () => {
      await nginx.stop();
      await auth.stop();
    },
  };
}

/** HAProxy ends TLS and joins the sockets: no IMAP, no login of its own. The floor under any front door. */
async function startHaproxy(ground: Ground, upstreamTls: boolean): Promise<Front> {
  const home = homeOf(ground, upstreamTls ? 'haproxy-tls' : 'haproxy');
  const [port = 0] = await freePorts(1);
  const both = join(home, 'both.pem');
  writeFileSync(
    both,
    readFileSync(ground.certificate.certificate, 'utf8') + readFileSync(ground.certificate.key, 'utf8'),
  );
  const upstream = upstreamTls
    ? `127.0.0.1:${ground.storeTlsPort} ssl verify required ca-file ${ground.certificate.certificate}`
    : `127.0.0.1:${ground.storePlainPort}`;
  writeFileSync(
    join(home, 'haproxy.cfg'),
    `global
  maxconn 8192
  nbthread 2
defaults
  mode tcp
  timeout connect 5s
  timeout client 24h
  timeout server 24h
frontend imaps
  bind 127.0.0.1:${port} ssl crt ${both}
  default_backend store
backend store
  server store ${upstream}
`,
  );
  const { pid, stop } = await startProgram(
    'haproxy',
    program('haproxy'),
    ['-db', '-f', join(home, 'haproxy.cfg')],
    port,
    home,
  );
  return { port, processes: [{ label: 'haproxy', pid }], stop };
}

export const FRONTS: readonly FrontKind[] = [
  { name: 'postern', title: 'Postern', peers: [], tlsUpstream: true, start: startPosternFront },
  { name: 'dovecot', title: 'Dovecot proxy', peers: ['dovecot'], tlsUpstream: true, start: startDovecotProxy },
  { name: 'nginx', title: 'nginx mail', peers: ['nginx'], tlsUpstream: false, start: startNginx },
  { name: 'haproxy', title: 'HAProxy (no login)', peers: ['haproxy'], tlsUpstream: true, start: startHaproxy },
];

/** LDAP passdb of the mail store: binds as the user at once. */
export function storeLdapConfig(ldapPort: number): string {
  return `hosts = 127.0.0.1:${ldapPort}\nldap_version = 3\nbase = ${BASE}\nauth_bind = yes\nauth_bind_userdn = uid=%n,${PEOPLE}\n`;
}
