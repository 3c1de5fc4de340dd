import { z } from 'zod';
import { fault } from './fault.ts';
import { outgoingTls, resolveServers } from './outgoing-tls.ts';
import { duration } from './quantities.ts';
import type { outsideValues } from './values.ts';

interface Preset {
  readonly filter: string;
  readonly id: string;
  readonly login: string;
  readonly extra: readonly string[];
}

const PRESETS = {
  ldap: {
    filter: '(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))',
    id: 'entryUUID',
    login: 'uid',
    extra: [],
  },
  ad: {
    filter:
      '(&(objectCategory=person)(objectClass=user)(|(userPrincipalName={login})(sAMAccountName={account})(mail={login})(proxyAddresses=smtp:{login})))',
    id: 'objectGUID',
    login: 'sAMAccountName',
    extra: ['displayName'],
  },
} satisfies Record<string, Preset>;

/** Who knows the users: LDAP, Active Directory, a file. */
export function directorySchema(values: ReturnType<typeof outsideValues>) {
  const { servers, ...tls } = outgoingTls(values);
  const common = {
    ...tls,
    bind: z
      .strictObject({
        dn: z.string().min(1).describe('DN (or user principal name) of the service account.'),
        password: values.secret('Its password.'),
      })
      .optional()
      .describe(
        'Service account that searches for users; absent = anonymous search, or bind_as; with ad, users bind by what they typed.',
      ),
    bind_as: z
      .string()
      .optional()
      .describe('DN template to bind as at once instead of searching first; {login} {local} {domain} are escaped.'),
    timeout: duration('Time for each operation, connecting included.').prefault('5s'),
    retry: duration('How long a server that failed is passed over.').prefault('10s'),
    pool: z.int().positive().default(8).describe('Most connections per server and purpose (search, bind).'),
  };

  return z.discriminatedUnion('kind', [
    z
      .strictObject({
        kind: z.literal('ldap').describe('An LDAP server (OpenLDAP, 389 Directory Server ...).'),
        servers,
        ...common,
        users: z.strictObject({ base: userBase, ...userSearch(PRESETS.ldap) }).describe('How users are found.'),
      })
      .describe('An LDAP server (OpenLDAP, 389 Directory Server ...).')
      .transform(resolveServers(PORTS)),
    z
      .strictObject({
        kind: z.literal('ad').describe('Active Directory (or Samba).'),
        domain: dnsName('DNS name of the domain; absent = what servers.domain or users.base say.').optional(),
        servers: z
          .union([servers, discovered])
          .describe(
            'Domain controllers in order of preference: "host" or "host:port"; or { domain: ..., site: ... }, which are found by their SRV records.',
          ),
        ...common,
        suffixes: z
          .array(dnsName('One suffix.'))
          .default([])
          .describe(
            'Further domains of logins whose local part is a sAMAccountName, besides the names of the domain itself.',
          ),
        users: z
          .strictObject({
            base: userBase
              .optional()
              .describe('Where to search: a DN. Absent = the whole domain. "" = the forest (global catalog).'),
            ...userSearch(PRESETS.ad),
            nested: z
              .enum(['token', 'chain', 'off'])
              .default('token')
              .describe(
                'How groups in groups are found. token: all security groups as the domain controller computes them (tokenGroups). chain: by the in-chain matching rule, distribution groups too; slower. off: only groups that hold the user directly. The primary group is always there.',
              ),
            groups_ttl: duration('How long names of groups are remembered.').prefault('10m'),
          })
          .describe('How users are found.')
          .prefault({}),
      })
      .describe('Active Directory (or Samba).')
      .transform(resolveDomain),
    z
      .strictObject({
        kind: z.literal('static').describe('Users in a file.'),
        file: values.readable('YAML file of users with hashes from `postern user hash`; re-read when it changes.'),
      })
      .describe('Users in a file, such as break-glass accounts.'),
  ]);
}

const PORTS = { implicit: 636, plain: 389 };

const userBase = z.string().describe('Where to search: a DN.');

const dnsName = (description: string) =>
  z
    .string()
    .regex(/^[^.@\s\\=,]+(?:\.[^.@\s\\=,]+)*$/, {
      error: issue => `"${String(issue.input)}" is not a domain; write its DNS name, such as corp.example.org`,
    })
    .describe(description);

const discovered = z
  .strictObject({
    domain: dnsName('Domain whose controllers are used (with global_catalog, the forest); absent = domain.').optional(),
    site: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/, 'the name of a site has letters, digits, - and _; write it as Active Directory has it')
      .optional()
      .describe('Site whose domain controllers come first.'),
    global_catalog: z.boolean().default(false).describe('Uses global catalogs, which know the whole forest.'),
    refresh: duration('How long an answer of DNS is used.').prefault('10m'),
  })
  .describe('Domain controllers found by their SRV records.');

/** Fills in what follows from the name of the domain. */
function resolveDomain<
  T extends {
    domain?: string | undefined;
    servers: string[] | z.output<typeof discovered>;
    tls: string;
    users: { base?: string | undefined };
  },
>(value: T, context: z.core.$RefinementCtx) {
  const { servers, users } = value;
  const named = Array.isArray(servers);
  const domain = value.domain ?? (named ? undefined : servers.domain);
  const base = users.base ?? domain?.replace(/^|\./g, dot => (dot === '' ? 'DC=' : ',DC='));
  if (base === undefined) {
    fault(context, 'nothing says which domain this is', 'add domain: with its DNS name, or users: { base: ... }');
    return z.NEVER;
  }
  const whole = { ...value, users: { ...users, base } };
  if (named) return resolveServers(PORTS)({ ...whole, servers });
  const found = servers.domain ?? domain;
  if (found === undefined) {
    fault(
      context,
      'nothing says whose domain controllers are to be found',
      'write servers: { domain: corp.example.org }',
    );
    return z.NEVER;
  }
  return { ...whole, servers: { ...servers, domain: found } };
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
      scram: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Attribute with SCRAM verifiers (RFC 5803, "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey"), such as authPassword; never shown. Absent = none.',
        ),
      extra: z
        .array(z.string().min(1))
        .default([...preset.extra])
        .describe('More attributes to read, for routes by attribute.'),
    })
    .describe('Names of the attributes in this directory.')
    .prefault({});
  return {
    scope: z
      .enum(['sub', 'one'])
      .default('sub')
      .describe('sub: the base and everything below it. one: only entries directly below the base.'),
    filter: z
      .string()
      .default(preset.filter)
      .describe(
        '{login} {local} {domain} are replaced, always escaped; {account} by the sAMAccountName that a login gives (ad), or the local part. Exactly one entry must match.',
      ),
    attributes,
  };
}
