import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** A program of somebody else's that tests talk to. */
export interface Peer {
  readonly name: PeerName;
  /** Debian packages that bring it. */
  readonly packages: readonly string[];
  /** Its program: a name looked up as a shell does, in /usr/sbin too. */
  readonly program: string;
  /** Files that the packages bring besides and tests rely on. */
  readonly files: readonly string[];
  /** What it is for. */
  readonly use: string;
}

export type PeerName =
  | 'slapd'
  | 'samba'
  | 'ldapsearch'
  | 'dovecot'
  | 'mbsync'
  | 'offlineimap'
  | 'neomutt'
  | 'tmux'
  | 'curl'
  | 'openssl'
  | 'python3'
  | 'gsasl'
  | 'systemd-analyze'
  | 'strace'
  | 'nginx'
  | 'haproxy';

const nobodyElse: readonly string[] = [];

export const PEERS: readonly Peer[] = [
  {
    name: 'slapd',
    packages: ['slapd'],
    program: 'slapd',
    files: ['/usr/lib/ldap/back_mdb.so'],
    use: 'the LDAP directory of the login tests',
  },
  {
    name: 'samba',
    packages: ['samba', 'samba-ad-dc', 'samba-ad-provision', 'samba-dsdb-modules', 'winbind', 'ldb-tools'],
    program: 'samba',
    files: ['/usr/bin/samba-tool', '/usr/bin/ldbmodify', '/usr/share/samba/setup/provision.ldif'],
    use: 'Active Directory: the login tests of kind: ad',
  },
  {
    name: 'ldapsearch',
    packages: ['ldap-utils'],
    program: 'ldapsearch',
    files: nobodyElse,
    use: 'changing that directory',
  },
  {
    name: 'dovecot',
    packages: ['dovecot-imapd', 'dovecot-ldap'],
    program: 'dovecot',
    files: ['/usr/lib/dovecot/imap', '/usr/lib/dovecot/modules/auth/libauthdb_ldap.so'],
    use: 'the mail server of the relay tests; with LDAP in the benchmark',
  },
  { name: 'mbsync', packages: ['isync'], program: 'mbsync', files: nobodyElse, use: 'a mail client: relay tests' },
  {
    name: 'offlineimap',
    packages: ['offlineimap3'],
    program: 'offlineimap',
    files: nobodyElse,
    use: 'a mail client: tests of the embedded store',
  },
  {
    name: 'neomutt',
    packages: ['neomutt'],
    program: 'neomutt',
    files: nobodyElse,
    use: 'a mail client: tests of the embedded store',
  },
  { name: 'tmux', packages: ['tmux'], program: 'tmux', files: nobodyElse, use: 'the terminal of neomutt' },
  { name: 'curl', packages: ['curl'], program: 'curl', files: nobodyElse, use: 'a mail client: login tests' },
  {
    name: 'strace',
    packages: ['strace'],
    program: 'strace',
    files: nobodyElse,
    use: 'the order of syncs, as the system sees it',
  },
  { name: 'openssl', packages: ['openssl'], program: 'openssl', files: nobodyElse, use: 'TLS and certificate tests' },
  {
    name: 'python3',
    packages: ['python3'],
    program: 'python3',
    files: nobodyElse,
    use: 'imaplib, a mail client: login tests',
  },
  { name: 'gsasl', packages: ['gsasl'], program: 'gsasl', files: nobodyElse, use: 'SASL tests' },
  {
    name: 'systemd-analyze',
    packages: ['systemd'],
    program: 'systemd-analyze',
    files: nobodyElse,
    use: 'the test of the service unit',
  },
  {
    name: 'nginx',
    packages: ['nginx-light', 'libnginx-mod-mail'],
    program: 'nginx',
    files: ['/usr/lib/nginx/modules/ngx_mail_module.so'],
    use: 'the benchmark',
  },
  {
    name: 'haproxy',
    packages: ['haproxy'],
    program: 'haproxy',
    files: nobodyElse,
    use: 'PROXY protocol tests, the benchmark',
  },
];

/** Where a peer's program is; undefined when the peer is not (wholly) installed. */
export function peer(name: PeerName): { readonly path: string } | undefined {
  const entry = PEERS.find(candidate => candidate.name === name);
  if (!entry?.files.every(path => may(path, constants.R_OK))) return undefined;
  const path = findProgram(entry.program);
  return path === undefined ? undefined : { path };
}

/** The peers of these names (of all, without names) that are not installed. */
export function missingPeers(names: readonly PeerName[] = PEERS.map(({ name }) => name)): readonly Peer[] {
  return PEERS.filter(({ name }) => names.includes(name) && !peer(name));
}

function findProgram(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':').filter(folder => folder !== ''), '/usr/sbin', '/sbin'];
  return folders.map(folder => join(folder, program)).find(path => may(path, constants.X_OK));
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
