import type { Owner } from './maildir.ts';

export interface MailServerPlaces {
  readonly folder: string;
  /** On 127.0.0.1, with TLS from the first byte. */
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** Owner of the mail. */
  readonly owner: Owner;
  /** Who runs it all, when that is not root. */
  readonly runAs: { readonly user: string; readonly group: string } | undefined;
}

/** A Dovecot 2.3 that lives in one folder and shares nothing with the one of the system. */
export function dovecotConfiguration({ folder, port, certificate, key, owner, runAs }: MailServerPlaces): string {
  return `# Made by "postern demo": the old mail server.
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/dovecot.log
instance_name = postern-demo
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <${certificate}
ssl_key = <${key}
ssl_min_protocol = TLSv1.2
auth_mechanisms = plain login
mail_location = maildir:${folder}/mail/%n/Maildir
first_valid_uid = 1
${runAs ? unprivileged(runAs) : ''}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${folder}/users
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${folder}/mail/%n
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
  }
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
}
# Every login comes from the address of Postern, which alone slows down those who guess.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`;
}

/** Everything as one ordinary user: nobody to change to, no chroot. */
function unprivileged({ user, group }: { user: string; group: string }): string {
  const services = ['anvil', 'imap-login', 'imap-urlauth-login', 'stats', 'ipc', 'old-stats'];
  return `default_internal_user = ${user}
default_internal_group = ${group}
default_login_user = ${user}
${services.map(service => `service ${service} {\n  chroot =\n}`).join('\n')}`;
}
