import pino from 'pino';
import type { LdapConfig } from '../../src/config/schema.ts';
import type { Logger } from '../../src/observe/log.ts';
import { SLAPD_SERVICE, SLAPD_USERS } from './slapd.ts';
import { testCa } from './test-ca.ts';

export const silentLog: Logger = pino({ level: 'silent' });

export interface LdapConfigChoices {
  /** Ports on 127.0.0.1, in order of preference. */
  readonly servers: readonly number[];
  readonly tls?: LdapConfig['tls'];
  /** null = none. */
  readonly bind?: LdapConfig['bind'] | null;
  readonly bindAs?: string;
  readonly filter?: string;
  readonly base?: string;
  readonly attributes?: Partial<LdapConfig['users']['attributes']>;
  readonly timeout?: number;
  readonly retry?: number;
  readonly pool?: number;
  readonly host?: string;
}

/** A configuration as loading would give it, for the test servers. Times in milliseconds. */
export async function ldapConfig(choices: LdapConfigChoices): Promise<LdapConfig> {
  const { servers, tls = 'none', bind = SLAPD_SERVICE, bindAs, host = '127.0.0.1' } = choices;
  return {
    kind: 'ldap',
    servers: servers.map(port => ({ host, port })),
    tls,
    allow_plaintext: false,
    ca: (await testCa()).file,
    pin: [],
    ...(bind ? { bind } : {}),
    ...(bindAs === undefined ? {} : { bind_as: bindAs }),
    timeout: choices.timeout ?? 5000,
    retry: choices.retry ?? 10_000,
    pool: choices.pool ?? 8,
    users: {
      base: choices.base ?? SLAPD_USERS,
      scope: 'sub',
      filter: choices.filter ?? '(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))',
      attributes: {
        id: 'entryUUID',
        login: 'uid',
        mail: 'mail',
        host: 'mailHost',
        groups: 'memberOf',
        extra: [],
        ...choices.attributes,
      },
    },
  };
}
