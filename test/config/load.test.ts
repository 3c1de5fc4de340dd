import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { makePair } from './made-certificates.ts';
import { parseOn } from './made-up-machine.ts';

const DAY = 86_400_000;

describe('loadConfig', () => {
  let folder: string;
  let loaded: LoadedConfig;
  const place = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-config-'));
    const pair = await makePair('mail.example.org');
    writeFileSync(place('mail.crt'), pair.certificate);
    writeFileSync(place('real.key'), pair.key, { mode: 0o600 });
    symlinkSync('real.key', place('mail.key'));
    writeFileSync(place('ldap-password'), 'p#ss: {word}\r\n', { mode: 0o600 });
    writeFileSync(place('users.yaml'), 'users: []\n', { mode: 0o600 });
    writeFileSync(
      place('postern.yaml'),
      `listeners: [{ address: "[::1]:0", tls: implicit, proxy_protocol: { from: [10.0.0.0/8] } }]
tls: { certificates: [{ certificate: mail.crt, key: mail.key }] }
limits: { literal: 1.5m, idle: 2h }
directories:
  corp:
    kind: ldap
    servers: [a.example.org, "b.example.org:1636", "[2001:db8::1]"]
    bind: { dn: "cn=x", password: { file: ldap-password } }
    users: { base: "dc=example,dc=org" }
  local: { kind: static, file: users.yaml }
authentication: { directories: [local, corp] }
upstreams:
  old: { servers: [old.example.org], tls: starttls, login: { as: authzid, user: u, password: { env: PROXY_PASSWORD } } }
routes:
  - { when: { domain: ["@Example.ORG"], user: alice }, relay: old }
  - { refuse: "no" }
`,
      { mode: 0o600 },
    );
    loaded = loadConfig(place('postern.yaml'), { PROXY_PASSWORD: 'from the environment' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('resolves secrets, paths, addresses, quantities', () => {
    const { config } = loaded;
    expect(config.directories.corp).toMatchObject({
      servers: [
        { host: 'a.example.org', port: 636 },
        { host: 'b.example.org', port: 1636 },
        { host: '2001:db8::1', port: 636 },
      ],
      bind: { password: 'p#ss: {word}' },
      timeout: 5000,
    });
    expect(config.upstreams.old).toMatchObject({
      servers: [{ host: 'old.example.org', port: 143 }],
      login: { password: 'from the environment', name: '{login}' },
    });
    expect(config.tls.certificates).toEqual([{ certificate: place('mail.crt'), key: place('mail.key') }]);
    expect(config.limits).toMatchObject({ literal: 1_572_864, idle: 7_200_000, line: 65_536, connections: 20_000 });
    expect(config.listeners[0]).toMatchObject({
      address: { host: '::1', port: 0 },
      proxy_protocol: { from: [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }] },
    });
    expect(config.routes[0]?.when).toEqual({ domain: ['example.org'], user: ['alice'] });
    expect(config.server).toEqual({ name: hostname(), data: '/var/lib/postern', workers: 1 });
  });

  it('tells which files to watch', () => {
    expect([...loaded.files].sort()).toEqual(
      ['ldap-password', 'mail.crt', 'mail.key', 'postern.yaml', 'users.yaml'].map(place),
    );
    expect(loaded.files[0]).toBe(place('postern.yaml'));
  });

  it('warns of secrets that everybody may read, and of nothing else', () => {
    expect(loaded.warnings).toEqual([]);
    chmodSync(place('real.key'), 0o644);
    chmodSync(place('ldap-password'), 0o604);
    const { warnings } = loadConfig(place('postern.yaml'), { PROXY_PASSWORD: 'x' });
    expect(warnings).toMatchObject([
      { line: 2, path: 'tls.certificates[0].key', mend: `chmod o-rwx ${place('mail.key')}` },
      { line: 8, path: 'directories.corp.bind.password', message: expect.stringContaining('everybody') },
    ]);
  });

  it('explains a file that is not there, or is a folder', () => {
    for (const [file, why] of [
      [place('absent.yaml'), 'does not exist'],
      [folder, 'is not a file'],
    ] as const) {
      expect(() => loadConfig(file, {})).toThrow(ConfigError);
      expect(() => loadConfig(file, {})).toThrow(why);
    }
  });
});

describe('warnings', () => {
  const text = (certificates: string) => `listeners:
  - { address: "127.0.0.1:143", tls: starttls, allow_plaintext: true }
tls: { certificates: [${certificates}] }
limits: { idle: 5m, per_address: 500, connections: 100 }
directories:
  corp: { kind: ldap, servers: [localhost], tls: none, server_name: x, users: { base: "dc=x" } }
  spare: { kind: ldap, servers: [a], users: { base: "dc=x" }, bind: { dn: "cn=x", password: plain } }
authentication: { directories: [corp] }
upstreams: { a: { servers: [a], login: { as: user, name: everybody } } }
routes: [{ refuse: "no" }]
`;

  it('are given for what works and is probably not meant', async () => {
    const now = Date.parse('2030-01-15T00:00:00Z');
    const past = await makePair('past.example.org', { notBefore: now - 90 * DAY, notAfter: now - DAY });
    const future = await makePair('future.example.org', { notBefore: now + DAY, notAfter: now + 90 * DAY });
    const files = {
      '/etc/postern/past.crt': past.certificate,
      '/etc/postern/past.key': past.key,
      '/etc/postern/future.crt': future.certificate,
      '/etc/postern/future.key': future.key,
    };
    const modes = { '/etc/postern/postern.yaml': 0o100644 };
    const pairs = '{ certificate: past.crt, key: past.key }, { certificate: future.crt, key: future.key }';
    const { warnings } = parseOn({ files, modes, now }, text(pairs));
    expect(warnings.map(({ line, path, message }) => `${line} ${path}: ${message}`)).toEqual([
      expect.stringMatching(/^2 listeners\[0\]\.allow_plaintext: .*no effect/),
      expect.stringMatching(/^3 tls\.certificates\[0\]\.certificate: .*expired on 2030-01-14/),
      expect.stringMatching(/^3 tls\.certificates\[1\]\.certificate: .*only from 2030-01-16/),
      expect.stringMatching(/^4 limits\.idle: .*RFC 9051/),
      expect.stringMatching(/^4 limits\.per_address: /),
      expect.stringMatching(/^6 directories\.corp: .*anonymously/),
      expect.stringMatching(/^6 directories\.corp\.server_name: .*no effect/),
      expect.stringMatching(/^7 directories\.spare: .*never asked/),
      expect.stringMatching(/^7 directories\.spare\.bind\.password: .*everybody on this machine may read/),
      expect.stringMatching(/^9 upstreams\.a: no route/),
      expect.stringMatching(/^9 upstreams\.a\.login\.name: .*same mailbox/),
    ]);
  });
});
