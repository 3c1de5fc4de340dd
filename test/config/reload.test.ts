import { describe, expect, it } from 'vitest';
import { describeChanges } from '../../src/config/reload.ts';
import { parseOn } from './made-up-machine.ts';

const TEXT = `server: { name: a }
log: { level: info }
admin: { http: "127.0.0.1:9143" }
listeners:
  - { address: "127.0.0.1:1143", tls: none }
  - { address: "127.0.0.1:1144", tls: none }
limits: { per_login: 10 }
directories:
  corp: { kind: ldap, servers: [a], users: { base: "dc=x" }, bind: { dn: "cn=x", password: first-secret } }
authentication: { directories: [corp] }
upstreams:
  old: { servers: [old.example.org] }
stores: { local: { threads: 2 } }
routes: [{ relay: old }]
`;

function changes(...edits: readonly (readonly [string, string])[]) {
  const edited = edits.reduce((text, [written, instead]) => {
    expect(text).toContain(written);
    return text.replace(written, instead);
  }, TEXT);
  return describeChanges(parseOn({}, TEXT).config, parseOn({}, edited).config);
}

describe('describeChanges', () => {
  it('finds none in the same text', () => {
    expect(changes()).toEqual({ applied: [], needsRestart: [] });
  });

  it('names what takes effect at once', () => {
    const { applied, needsRestart } = changes(
      ['127.0.0.1:1144", tls: none', '127.0.0.1:1145", tls: none'],
      ['127.0.0.1:1143", tls: none', '127.0.0.1:1143", tls: none, name: inner'],
      ['per_login: 10', 'per_login: 20, idle: 1h'],
      ['first-secret', 'second-secret'],
      ['directories: [corp] }', 'directories: [corp], recheck: 5m }'],
      ['routes: [{ relay: old }]', 'routes: [{ relay: new }]'],
      ['  old: {', '  new: {'],
      ['{ threads: 2 }', '{ threads: 2, create: never, folders: {}, snapshots: { keep: 7 } }'],
      ['server: { name: a }', 'server: { name: b }'],
      ['level: info', 'level: debug, file: /var/log/x, audit: { file: /var/log/y }'],
    );
    expect(applied).toEqual([
      'server.name is b',
      'listener 127.0.0.1:1143 changed',
      'listener 127.0.0.1:1144 closed',
      'listener 127.0.0.1:1145 opened',
      'directory corp changed',
      'upstream old removed',
      'upstream new added',
      'limits.per_login changed',
      'limits.idle changed',
      'authentication.recheck changed',
      'stores.local.create changed',
      'stores.local.folders changed',
      'stores.local.snapshots changed',
      'routes changed',
      'log.level is debug',
      'log.file changed',
      'log.audit.file changed',
    ]);
    expect(needsRestart).toEqual([]);
    expect(JSON.stringify(applied)).not.toContain('secret');
  });

  it('names what waits for a restart', () => {
    const { applied, needsRestart } = changes(
      ['server: { name: a }', 'server: { name: a, data: /elsewhere }'],
      ['admin: { http: "127.0.0.1:9143" }', 'admin: { socket: /run/other.sock, http: "127.0.0.1:9144" }'],
      ['{ threads: 2 }', '{ threads: 4, open_accounts: 10, sweep_grace: 2h }'],
    );
    expect(applied).toEqual([]);
    expect(needsRestart.toSorted()).toEqual([
      'admin.http',
      'admin.socket',
      'server.data',
      'stores.local.open_accounts',
      'stores.local.sweep_grace',
      'stores.local.threads',
    ]);
  });
});
