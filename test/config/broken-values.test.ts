import { beforeAll, describe, expect, it } from 'vitest';
import { type MadeUpMachine, problemsOn } from './made-up-machine.ts';
import { type Case, expectProblem, replaced, workingMachine } from './working-config.ts';

let machine: MadeUpMachine;
beforeAll(async () => {
  machine = await workingMachine();
});

const unknownKeysAndValues: readonly Case[] = [
  ['log: { level', 'log: { levle', { line: 4, column: 8, path: 'log.levle', says: 'unknown key', mend: '"level"' }],
  ['limits:', 'limit:', { line: 13, column: 1, path: 'limit', says: 'unknown key "limit"', mend: '"limits"' }],
  [
    '  name: mail',
    '  idle: 5m\n  name: mail',
    { line: 2, path: 'server.idle', says: 'unknown', mend: 'under "limits:"' },
  ],
  [
    '  name: mail',
    '  colour: red\n  name: mail',
    { line: 2, path: 'server.colour', says: 'unknown', mend: 'name, data, workers' },
  ],
  [
    'level: info',
    'level: infos',
    { line: 4, column: 15, path: 'log.level', says: 'trace, debug, info, warn, error', mend: 'write info' },
  ],
  [
    'level: info',
    'level: 7',
    { line: 4, path: 'log.level', says: 'expected trace, debug', mend: 'write trace, debug' },
  ],
  [
    'workers: 1',
    'workers: two',
    { line: 3, path: 'server.workers', says: '"auto" or whole number', mend: 'write "auto"' },
  ],
  ['workers: 1', 'workers: 0', { line: 3, path: 'server.workers', says: 'out of range', mend: 'more than 0' }],
  [
    'workers: 1',
    'workers: 8',
    { line: 3, column: 12, path: 'server.workers', says: 'this version runs one process', mend: 'write 1' },
  ],
  [
    '"[::]:993"',
    '"993"',
    { line: 6, column: 14, path: 'listeners[0].address', says: 'not an address', mend: '"[::]:993"' },
  ],
  ['"[::]:993"', '993', { line: 6, path: 'listeners[0].address', says: 'expected an address', mend: '[::]:993' }],
  [
    '    tls: implicit',
    '    tsl: implicit',
    { line: 7, column: 5, path: 'listeners[0].tsl', says: 'unknown key', mend: '"tls"' },
  ],
  [
    '  - address: "[::]:993"\n    tls: implicit',
    '  - address: "[::]:993"',
    { line: 6, path: 'listeners[0].tls', says: '"tls" is missing', mend: 'implicit, starttls or none' },
  ],
  [
    'idle: 30m',
    'idle: 30',
    { line: 13, column: 17, path: 'limits.idle', says: 'expected a duration, and this is 30', mend: '30m' },
  ],
  ['idle: 30m', 'idle: 30 min', { line: 13, path: 'limits.idle', says: '"30 min" is not a duration', mend: '30m' }],
  ['idle: 30m', 'idle: 0', { line: 13, path: 'limits.idle', says: 'duration of 0', mend: '30m' }],
  ['idle: 30m', 'idle: 90d', { line: 13, path: 'limits.idle', says: 'longer than 24 days', mend: '24d' }],
  [
    'literal: 100m',
    'literal: 100MB',
    { line: 13, path: 'limits.literal', says: '"100MB" is not a size', mend: '100m' },
  ],
  ['literal: 100m', 'literal: true', { line: 13, path: 'limits.literal', says: 'expected a size', mend: '8k' }],
  [
    'kind: ldap',
    'kind: ldpa',
    { line: 16, column: 11, path: 'directories.corp.kind', says: 'ldap, ad, static', mend: 'write ldap' },
  ],
  [
    '    kind: ldap\n',
    '',
    { line: 15, path: 'directories.corp.kind', says: '"kind" is missing', mend: '"ldap" or "ad" or "static"' },
  ],
  [
    '[ldap.example.org]',
    'ldap.example.org',
    { line: 17, column: 14, path: 'directories.corp.servers', says: 'expected a list', mend: '["ldap.example.org"]' },
  ],
  [
    '[ldap.example.org]',
    '["ldaps://ldap.example.org"]',
    { line: 17, column: 15, path: 'directories.corp.servers[0]', says: 'not a server', mend: '"ldap.example.org"' },
  ],
  [
    '[ldap.example.org]',
    '[]',
    { line: 17, path: 'directories.corp.servers', says: 'the list is empty', mend: 'at least one' },
  ],
  [
    '[PLAIN, LOGIN]',
    '[PLAIN, PLIAN]',
    {
      line: 26,
      column: 23,
      path: 'authentication.mechanisms[1]',
      says: 'not one of PLAIN, LOGIN',
      mend: 'write PLAIN',
    },
  ],
  [
    'format: "{user}*{master}"',
    'format: "{master}"',
    { line: 31, path: 'upstreams.legacy.login.format', says: 'does not name {user}', mend: '{user}*{master}' },
  ],
  [
    '  - relay: legacy\n',
    '  - relay: {host}\n',
    { line: 35, column: 12, path: 'routes[1].relay', says: 'expected text', mend: '"{host}"' },
  ],
  [
    'when: { host: old.example.org, listener: inner }',
    'when: {}',
    { line: 33, path: 'routes[0].when', says: 'no condition', mend: 'leave "when" out' },
  ],
  [
    '    relay: legacy\n',
    '    relay: legacy\n    refuse: no\n',
    { line: 33, path: 'routes[0]', says: 'exactly one', mend: 'relay: UPSTREAM' },
  ],
  [
    '    relay: legacy\n',
    '    relay: legacy\n    store: local\n',
    { line: 33, path: 'routes[0]', says: 'exactly one of relay, store, mounts and refuse', mend: 'store: local' },
  ],
  [
    '    relay: legacy\n',
    '    mounts: [{ prefix: "" }]\n',
    { line: 34, path: 'routes[0].mounts[0].store', says: '"store" is missing', mend: 'add "store"' },
  ],
  [
    '    relay: legacy\n',
    '    mounts: []\n',
    { line: 34, path: 'routes[0].mounts', says: 'the list is empty', mend: 'name at least one' },
  ],
  [
    'routes:\n',
    'stores: { local: { kind: sqlight } }\nroutes:\n',
    { line: 32, path: 'stores.local.kind', says: '"sqlight" is not one of sqlite', mend: 'write sqlite' },
  ],
  [
    'routes:\n',
    'stores: { local: { create: always } }\nroutes:\n',
    { line: 32, path: 'stores.local.create', says: 'not one of first-login, never', mend: 'write one of' },
  ],
  [
    'routes:\n',
    'stores: { local: { folders: { Sent: send } } }\nroutes:\n',
    { line: 32, path: 'stores.local.folders.Sent', says: '"send" is not one of archive', mend: 'write sent' },
  ],
  [
    'routes:\n',
    'stores: { local: { folders: [Sent, Trash] } }\nroutes:\n',
    { line: 32, path: 'stores.local.folders', says: 'this is a list', mend: 'key: value' },
  ],
  [
    'routes:\n',
    'stores: { local: { snapshots: { keep: 0 } } }\nroutes:\n',
    { line: 32, path: 'stores.local.snapshots.keep', says: '0 is out of range', mend: 'more than 0' },
  ],
];

const laterVersions: readonly Case[] = [
  [
    '    relay: legacy\n',
    '    mounts: [{ prefix: "", mirror: legacy }]\n',
    {
      line: 34,
      column: 28,
      path: 'routes[0].mounts[0].mirror',
      says: 'mirroring the mailboxes of an upstream is not part of this version',
      mend: 'store: local for mail that is kept here',
    },
  ],
  [
    '    relay: legacy\n',
    '    mirror: legacy\n',
    { line: 34, path: 'routes[0].mirror', says: 'is not part of this version', mend: 'relay: UPSTREAM' },
  ],
  [
    '    relay: legacy\n',
    '    mounts: [{ prefix: "Old/", store: local }]\n',
    {
      line: 34,
      column: 24,
      path: 'routes[0].mounts[0].prefix',
      says: 'below a prefix are not part of this version',
      mend: 'prefix: ""',
    },
  ],
  [
    '    relay: legacy\n',
    '    mounts: [{ prefix: "", store: local }, { store: local }]\n',
    { line: 34, path: 'routes[0].mounts', says: 'more than one mount', mend: 'write one' },
  ],
  [
    'routes:\n',
    'stores: { local: { kind: postgres } }\nroutes:\n',
    { line: 32, path: 'stores.local.kind', says: 'postgres are not part of this version', mend: 'kind: sqlite' },
  ],
  [
    'routes:\n',
    'stores: { fast: { kind: sqlite } }\nroutes:\n',
    { line: 32, path: 'stores.fast', says: 'besides "local" is not part of this version', mend: 'name it local' },
  ],
  [
    'as: master',
    'as: oauth',
    { line: 31, path: 'upstreams.legacy.login.as', says: '"oauth" is not part of this version', mend: 'as: user' },
  ],
  [
    '[PLAIN, LOGIN]',
    '[PLAIN, GSSAPI]',
    {
      line: 26,
      path: 'authentication.mechanisms[1]',
      says: 'GSSAPI is not part of this version',
      mend: 'PLAIN',
    },
  ],
];

const syntax: readonly Case[] = [
  ['"[::]:993"', '[::]:993', { line: 6, path: '', says: 'not valid YAML', mend: 'put addresses in quotes' }],
  ['log: { level: info }', 'log: { level: info', { line: 5, path: '', says: 'not valid YAML', mend: 'close' }],
  ['  workers: 1', '\tworkers: 1', { line: 3, path: '', says: 'tabs are not allowed', mend: 'spaces' }],
  [
    'workers: 1',
    'workers: 1\n  name: again',
    { line: 4, column: 3, path: '', says: 'map keys must be unique', mend: 'remove one' },
  ],
  [
    'host: old.example.org',
    'host: *.example.org',
    { line: 33, path: 'routes[0].when.host', says: 'no anchor', mend: 'quotes' },
  ],
  [
    'format: "{user}*{master}"',
    'format: {user}*{master}',
    { line: 31, path: '', says: 'not valid YAML', mend: '"{" in quotes' },
  ],
  ['log: { level: info }', 'log: !include log.yaml', { line: 4, path: '', says: 'unresolved tag', mend: 'quotes' }],
];

it('says that a directory is misnamed, and that its name is used', () => {
  const problems = problemsOn(machine, replaced('  corp:', '  "my corp":'));
  expect(problems.map(({ line, path, mend }) => ({ line, path, mend }))).toEqual([
    { line: 15, path: 'directories["my corp"]', mend: 'rename it' },
    { line: 25, path: 'authentication.directories[0]', mend: 'did you mean "my corp"?' },
  ]);
});

for (const [title, cases] of Object.entries({ unknownKeysAndValues, laterVersions })) {
  describe(title, () => {
    it.each(cases)('%j -> %j', (written, instead, expected) => {
      const problems = problemsOn(machine, replaced(written, instead));
      // One slip, one problem.
      expect(problems.map(({ path, message }) => `${path}: ${message}`)).toHaveLength(1);
      expectProblem(problems[0], expected);
    });
  });
}

describe('syntax', () => {
  it.each(syntax)('%j -> %j', (written, instead, expected) => {
    const problems = problemsOn(machine, replaced(written, instead));
    expectProblem(
      problems.find(({ path, line }) => path === expected.path && line === expected.line),
      expected,
    );
    // A fault of the text may have several, but none that is only a consequence: nothing "missing", nothing unknown.
    expect(problems.filter(({ message }) => /missing|unknown key|no upstream|no directory/.test(message))).toEqual([]);
  });
});
