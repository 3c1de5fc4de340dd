import type { AdConfig } from '../../config/schema.ts';
import type { Directory } from '../directory.ts';
import type { Dialect } from '../ldap/dialect.ts';
import { LdapDirectory } from '../ldap/directory.ts';
import { NamedServers, type ServerSource, type ServersOptions } from '../ldap/servers.ts';
import { STATE_ATTRIBUTES, troubleOfEntry } from './account-state.ts';
import { DiscoveredServers, type ResolveSrv } from './discovery.ts';
import { Domains } from './domains.ts';
import { GROUP_ATTRIBUTES, Groups } from './groups.ts';
import { nameIn } from './login-forms.ts';
import { selfBind } from './self-bind.ts';

export interface AdDirectoryOptions extends ServersOptions {
  /** How SRV records are found; the system's resolver if absent. */
  readonly resolve?: ResolveSrv;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock?: () => number;
}

/** How long it is trusted which domains there are. */
const DOMAINS_MS = 60 * 60_000;

/**
 * Users in Active Directory: as in LDAP, and besides with all the names that their other programs take, with nested groups, and with
 * the state of the account also where no password is proven.
 *
 * @throws SyntaxError when `users.filter` or `bind_as` are not templates of a filter and a DN
 */
export function openAdDirectory(name: string, config: AdConfig, options: AdDirectoryOptions): Directory {
  return new LdapDirectory(name, config, {
    ...options,
    source: serversOf(config, options),
    dialect: activeDirectory(config, options),
  });
}

function activeDirectory({ users, suffixes, domain }: AdConfig, options: AdDirectoryOptions): Dialect {
  const now = options.now ?? (() => performance.now());
  const wallClock = options.wallClock ?? Date.now;
  const domains = new Domains(users.base, DOMAINS_MS, now);
  const further = new Set(suffixes.map(suffix => suffix.toLowerCase()));
  const groups = new Groups({
    nesting: users.nested,
    attribute: users.attributes.groups,
    ttl: users.groups_ttl,
    forest: users.base === '',
    now,
  });
  return {
    attributes: [...STATE_ATTRIBUTES, ...GROUP_ATTRIBUTES],
    name: async (login, asking) => nameIn(login, await domains.get(asking), further),
    withGroups: (entry, asking) => groups.complete(entry, asking),
    troubleOf: entry => troubleOfEntry(entry, wallClock()),
    self: selfBind(users.base, domain),
  };
}

function serversOf(config: AdConfig, { resolve, log, now }: AdDirectoryOptions): ServerSource {
  const { servers, tls } = config;
  if ('domain' in servers) {
    const { domain, site, refresh, global_catalog: globalCatalog } = servers;
    const insideOnly = tls !== 'none' && config.ca === undefined && config.pin.length === 0;
    return new DiscoveredServers({
      ...{ domain, site, globalCatalog, tls, insideOnly, refresh, log },
      ...(resolve ? { resolve } : {}),
      ...(now ? { now } : {}),
    });
  }
  return new NamedServers(servers);
}
