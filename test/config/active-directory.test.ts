import { expect, it } from 'vitest';
import { adConfig } from '../support/ad-config.ts';

/** What is wrong with a configuration of `kind: ad`; undefined when nothing. */
const faultOf = (keys: Readonly<Record<string, unknown>>) =>
  adConfig(keys).then(
    () => undefined,
    (error: unknown) => String(error),
  );

it('domain, servers and bind are a whole configuration', async () => {
  expect(await adConfig({ domain: 'corp.example.org', servers: ['dc1.corp.example.org'] })).toMatchObject({
    servers: [{ host: 'dc1.corp.example.org', port: 636 }],
    suffixes: [],
    users: {
      base: 'DC=corp,DC=example,DC=org',
      scope: 'sub',
      filter: expect.stringContaining('(sAMAccountName={account})'),
      nested: 'token',
      attributes: {
        id: 'objectGUID',
        login: 'sAMAccountName',
        mail: 'mail',
        groups: 'memberOf',
        extra: ['displayName'],
      },
    },
  });
});

it('the domain of the servers and of the users say it for each other', async () => {
  const found = await adConfig({ domain: undefined, servers: { domain: 'corp.example.org', site: 'Berlin' } });
  expect(found.users.base).toBe('DC=corp,DC=example,DC=org');
  expect(found.servers).toMatchObject({ domain: 'corp.example.org', site: 'Berlin', global_catalog: false });
  const named = await adConfig({ domain: 'corp.example.org', servers: {}, users: { base: 'OU=a,DC=b' } });
  expect(named).toMatchObject({ servers: { domain: 'corp.example.org' }, users: { base: 'OU=a,DC=b' } });
});

it.each([
  ['no domain', { domain: undefined, servers: ['dc1'] }, 'nothing says which domain this is'],
  ['nobody to ask', { domain: undefined, servers: {}, users: { base: 'DC=a' } }, 'whose domain controllers'],
  ['a domain that is a DN', { domain: 'DC=a,DC=b', servers: ['dc1'] }, 'is not a domain'],
  ['a site with dots', { servers: { site: 'a.b' } }, 'the name of a site'],
  ['a way of nesting that is none', { servers: ['dc1'], users: { nested: 'deep' } }, 'nested'],
])('says what is wrong: %s', async (_, keys, expected) => {
  expect(await faultOf(keys)).toContain(expected);
});
