import { z } from 'zod';
import { outgoingTls, resolveServers } from './outgoing-tls.ts';
import { duration } from './quantities.ts';
import type { outsideValues } from './values.ts';

interface Preset {
  readonly filter: string;
  readonly id: string;
  readonly login: string;
}

const PRESETS = {
  ldap: {
    filter: '(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))',
    id: 'entryUUID',
    login: 'uid',
  },
  ad: {
    filter:
      '(&(objectCategory=person)(objectClass=user)(|(userPrincipalName={login})(sAMAccountName={local})(mail={login})))',
    id: 'objectGUID',
    login: 'sAMAccountName',
  },
} satisfies Record<string, Preset>;

/** Who knows the users: LDAP, Active Directory, a file. */
export function directorySchema(values: ReturnType<typeof outsideValues>) {
  const ldapLike = <Kind extends keyof typeof PRESETS>(kind: Kind, title: string) =>
    z
      .strictObject({
        kind: z.literal(kind).describe(title),
        ...outgoingTls(values),
        bind: z
          .strictObject({
            dn: z.string().min(1).describe('DN (or user principal name) of the service account.'),
            password: values.secret('Its password.'),
          })
          .optional()
          .describe('Service account that searches for users; absent = anonymous search, or bind_as.'),
        bind_as: z
          .string()
          .optional()
          .describe('DN template to bind as at once instead of searching first; {login} {local} {domain} are escaped.'),
        timeout: duration('Time for each operation, connecting included.').prefault('5s'),
        retry: duration('How long a server that failed is passed over.').prefault('10s'),
        pool: z.int().positive().default(8).describe('Most connections per server and purpose (search, bind).'),
        users: userSearch(PRESETS[kind]),
      })
      .describe(title)
      .transform(resolveServers({ implicit: 636, plain: 389 }));

  return z.discriminatedUnion('kind', [
    ldapLike('ldap', 'An LDAP server (OpenLDAP, 389 Directory Server ...).'),
    ldapLike('ad', 'Active Directory (or Samba).'),
    z
      .strictObject({
        kind: z.literal('static').describe('Users in a file.'),
        file: values.readable('YAML file of users with hashes from `postern user hash`; re-read when it changes.'),
      })
      .describe('Users in a file, such as break-glass accounts.'),
  ]);
}

function userSearch(preset: Preset) {
  const attributes = z
    .strictObject({
      id: z.string().min(1).default(preset.id).describe('Immutable id that keys the account.'),
      login: z.string().min(1).default(preset.login).describe('Canonical login name.'),
      mail: z.string().min(1).default('mail').describe('Mail address.'),
      quota: z.string().min(1).optional().describe('Mailbox quota.'),
      host: z.string().min(1).default('mailHost').describe('Mail server of the user, for routes.'),
      groups: z.string().min(1).default('memberOf').describe('DNs of the groups the user is in.'),
      extra: z.array(z.string().min(1)).default([]).describe('More attributes to read, for routes by attribute.'),
    })
    .describe('Names of the attributes in this directory.')
    .prefault({});
  return z
    .strictObject({
      base: z.string().describe('Where to search: a DN.'),
      scope: z
        .enum(['sub', 'one'])
        .default('sub')
        .describe('sub: the base and everything below it. one: only entries directly below the base.'),
      filter: z
        .string()
        .default(preset.filter)
        .describe('{login} {local} {domain} are replaced, always escaped. Exactly one entry must match.'),
      attributes,
    })
    .describe('How users are found.');
}
