import type { CertificateFiles } from './self-signed.ts';

export interface DovecotOptions {
  /** Logins and passwords. Default: alice and bob, both with "secret". */
  readonly users?: Readonly<Record<string, string>>;
  /** Lets in whoever has this password, instead of `users`. */
  readonly anyUserWith?: string;
  /** Users who may log in as others (`alice*master`, or as authorization identity) and their passwords. */
  readonly masters?: Readonly<Record<string, string>>;
  /** Default: one for localhost and 127.0.0.1, signed by itself. */
  readonly certificate?: CertificateFiles;
  /** PEM file of the authority whose client certificates are required. */
  readonly clientAuthority?: string;
  /** The whole capability string, before and after login ("IMAP4rev1 ID ..."). Default: Dovecot's own. */
  readonly capability?: string;
  /** SASL mechanisms. Default: "plain login". */
  readonly mechanisms?: string;
  /** COMPRESS=DEFLATE. Default: true. */
  readonly compress?: boolean;
  /** Networks from which ID may tell the client's address. */
  readonly trusted?: readonly string[];
  /** Also listens for connections with a PROXY header. */
  readonly proxyProtocol?: boolean;
  /** More lines for the end of the configuration file. */
  readonly extra?: string;
}

export interface DovecotPorts {
  readonly plain: number;
  readonly tls: number;
  readonly proxyPlain: number;
  readonly proxyTls: number;
}

interface Places {
  readonly folder: string;
  readonly ports: DovecotPorts;
  readonly certificate: CertificateFiles;
  /** Owner of the mail. */
  readonly uid: number;
  readonly gid: number;
  /** Name of the user that runs it all, when that is not root. */
  readonly runAs: { readonly user: string; readonly group: string } | undefined;
}

/** Configuration of a Dovecot 2.3 that lives in one folder. */
export function dovecotConfig(options: DovecotOptions, places: Places): string {
  const { folder, ports, certificate, uid, gid, runAs } = places;
  const compress = options.compress ?? true;
  return `
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
instance_name = ${folder}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <${certificate.certificate}
ssl_key = <${certificate.key}
ssl_min_protocol = TLSv1.2
${options.clientAuthority ? `ssl_ca = <${options.clientAuthority}\nssl_verify_client_cert = yes\nauth_ssl_require_client_cert = yes` : ''}
disable_plaintext_auth = no
auth_mechanisms = ${options.mechanisms ?? 'plain login'}
auth_master_user_separator = *
auth_verbose = yes
# Refused logins are not slowed down (here and in anvil below): tests would only wait.
auth_failure_delay = 0
mail_location = maildir:${folder}/mail/%n/Maildir
mail_fsync = never
first_valid_uid = 1
mail_max_userip_connections = 100000
default_process_limit = 4096
default_client_limit = 20000
default_vsz_limit = 1G
imap_id_log = *
${options.trusted ? `login_trusted_networks = ${options.trusted.join(' ')}` : ''}
${options.capability === undefined ? '' : `imap_capability = ${options.capability}`}
${runAs ? unprivileged(runAs) : ''}
${masterPassdb(options, folder)}
${userPassdb(options, folder)}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${folder}/mail/%n
}
protocol imap {
  ${compress ? 'mail_plugins = zlib imap_zlib' : ''}
}
namespace inbox {
  inbox = yes
}
haproxy_trusted_networks = 127.0.0.0/8
service imap-login {
  service_count = 0
  client_limit = 10000
  inet_listener imap {
    port = ${ports.plain}
  }
  inet_listener imaps {
    port = ${ports.tls}
    ssl = yes
  }
  ${options.proxyProtocol ? proxyListeners(ports) : ''}
}
service anvil {
  client_limit = 20000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  client_limit = 20000
}
service auth {
  client_limit = 16000
}
${options.extra ?? ''}
`;
}

function userPassdb({ anyUserWith }: DovecotOptions, folder: string): string {
  return anyUserWith === undefined
    ? `passdb {\n  driver = passwd-file\n  args = scheme=PLAIN username_format=%u ${folder}/users\n}`
    : `passdb {\n  driver = static\n  args = password=${anyUserWith}\n}`;
}

function masterPassdb({ masters }: DovecotOptions, folder: string): string {
  if (!masters) return '';
  return `passdb {\n  driver = passwd-file\n  args = scheme=PLAIN ${folder}/masters\n  master = yes\n  result_success = continue\n}`;
}

function proxyListeners(ports: DovecotPorts): string {
  return `inet_listener imap_proxied {
    port = ${ports.proxyPlain}
    haproxy = yes
  }
  inet_listener imaps_proxied {
    port = ${ports.proxyTls}
    ssl = yes
    haproxy = yes
  }`;
}

/** Everything as one ordinary user: nothing to change to, no chroot. */
function unprivileged({ user, group }: { user: string; group: string }): string {
  const services = ['anvil', 'imap-login', 'imap-urlauth-login', 'stats', 'ipc', 'old-stats'];
  return `default_internal_user = ${user}
default_internal_group = ${group}
default_login_user = ${user}
${services.map(service => `service ${service} {\n  chroot =\n}`).join('\n')}`;
}
