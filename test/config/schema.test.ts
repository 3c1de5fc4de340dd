import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { configJsonSchema, type SchemaNode } from '../../src/config/schema-view.ts';
import { generatedFiles } from '../../src/config/write-json-schema.ts';
import { parseOn } from './made-up-machine.ts';

it.each(Object.entries(generatedFiles()))('config/%s is current (npm run schema)', (name, text) => {
  expect(readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8')).toBe(text);
});

it('the schema holds nothing of this machine', () => {
  const text = JSON.stringify(configJsonSchema());
  expect(text).not.toContain(`"${hostname()}"`);
  expect(text).not.toContain(process.cwd());
});

/** Every key with its schema, those of lists and of mappings by name included. */
function* keysOf(node: SchemaNode, path = ''): Generator<{ path: string; node: SchemaNode; required: boolean }> {
  for (const branch of [...(node.anyOf ?? []), ...(node.oneOf ?? [])]) {
    if (typeof branch === 'object') yield* keysOf(branch, path);
  }
  for (const inner of [node.items, node.additionalProperties]) {
    if (typeof inner === 'object' && !Array.isArray(inner)) yield* keysOf(inner, `${path}[]`);
  }
  for (const [key, property] of Object.entries(node.properties ?? {})) {
    if (typeof property === 'boolean') continue;
    yield { path: `${path}.${key}`, node: property, required: node.required?.includes(key) === true };
    yield* keysOf(property, `${path}.${key}`);
  }
}

it('every key is described, and shows its default where it has one', () => {
  const keys = [...keysOf(configJsonSchema())];
  expect(keys.length).toBeGreaterThan(120);
  const undescribed = keys.filter(({ node }) => !node.description).map(({ path }) => path);
  expect(undescribed).toEqual([]);
  const withoutDefault = keys.filter(({ node, required }) => !required && node.default === undefined);
  // Optional, and absent means what the description says.
  expect([...new Set(withoutDefault.map(({ path }) => path))]).toEqual([
    '.server.name',
    '.log.file',
    '.log.audit.file',
    '.admin.http',
    '.listeners[].name',
    '.listeners[].mechanisms',
    '.listeners[].proxy_protocol',
    ...['ca', 'server_name', 'client_certificate', 'bind', 'bind_as'].map(key => `.directories[].${key}`),
    '.directories[].users.attributes.quota',
    '.directories[].users.attributes.scram',
    '.directories[].domain',
    '.directories[].servers.domain',
    '.directories[].servers.site',
    '.directories[].users.base',
    '.authentication.login.default_domain',
    '.authentication.app_passwords',
    '.authentication.shield.budget',
    ...['', '.command', '.webhook'].map(key => `.authentication.on_suspicion${key}`),
    ...['ca', 'server_name', 'client_certificate'].map(key => `.upstreams[].${key}`),
    '.routes[].when',
    ...['host', 'domain', 'group', 'attribute', 'user', 'listener'].map(key => `.routes[].when.${key}`),
    '.routes[].relay',
    '.routes[].store',
    '.routes[].mounts',
    '.routes[].refuse',
  ]);
});

it('defaults shown are defaults used', () => {
  const { config } = parseOn(
    {},
    `listeners: [{ address: "127.0.0.1:0", tls: none }]
directories: { d: { kind: ad, servers: [a], users: { base: "dc=x" }, bind: { dn: "cn=x", password: y } } }
authentication: { directories: [d] }
upstreams: { u: { servers: [a] } }
routes: [{ relay: u }]
`,
  );
  expect(config.limits).toMatchObject({ authenticate: 60_000, idle: 1_800_000, line: 65_536, literal: 104_857_600 });
  expect(config.limits).toMatchObject({ literal_before_login: 8192, bad_commands: 20, per_login: 50, drain: 5000 });
  expect(config.authentication).toMatchObject({ mechanisms: ['PLAIN', 'LOGIN'], recheck: 900_000 });
  expect(config.authentication.cache).toEqual({ ttl: 300_000, outage: 0, size: 20_000 });
  expect(config.tls).toEqual({ minimum: 'TLSv1.2', certificates: [] });
  expect(config.stores).toEqual({
    local: {
      kind: 'sqlite',
      create: 'first-login',
      folders: { Drafts: 'drafts', Sent: 'sent', Junk: 'junk', Trash: 'trash', Archive: 'archive' },
      sweep_grace: 3_600_000,
      sweep_every: 600_000,
      stray_age: 86_400_000,
      remember_expunged: 2_592_000_000,
      snapshots: { every: 86_400_000, keep: 2 },
      threads: 2,
      mailboxes: 10_000,
      open_accounts: 200,
    },
  });
  expect(config.admin).toEqual({ socket: '/run/postern/admin.sock' });
  expect(config.upstreams.u).toMatchObject({
    tls: 'implicit',
    servers: [{ host: 'a', port: 993 }],
    login: { as: 'user', mechanism: 'auto', name: '{login}' },
    pass_client_address: [],
  });
  expect(config.directories.d).toMatchObject({
    users: { scope: 'sub', attributes: { id: 'objectGUID', login: 'sAMAccountName', host: 'mailHost' } },
  });
});
