import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check } from '../../src/cli/check.ts';
import { UsageError } from '../../src/cli/command.ts';
import { replaced, WORKING, workingMachine } from '../config/working-config.ts';
import { CommandStand, STATIC_CONFIG, USERS } from './command-stand.ts';

/** What is replaced in the working file, by what; then line, key, a part of what is said, and a part of the mend. */
type Broken = readonly [written: string, instead: string, line: number, path: string, says: string, mend: string];

const BROKEN: readonly Broken[] = [
  ['limits:', 'limit:', 13, 'limit', 'unknown key', 'did you mean "limits"?'],
  ['level: info', 'level: infos', 4, 'log.level', 'trace, debug, info', 'write info'],
  ['workers: 1', 'workers: 8', 3, 'server.workers', 'one process', 'write 1'],
  ['"[::]:993"', '"993"', 6, 'listeners[0].address', 'is not an address', 'write "[::]:993"'],
  ['"[::]:993"', '[::]:993', 6, '', 'not valid YAML', 'put addresses in quotes'],
  ['    tls: implicit\n', '', 6, 'listeners[0].tls', 'is missing', 'implicit, starttls or none'],
  ['idle: 30m', 'idle: 30', 13, 'limits.idle', 'expected a duration', '30m'],
  ['literal: 100m', 'literal: 100MB', 13, 'limits.literal', 'is not a size', '100m'],
  ['kind: ldap', 'kind: ldpa', 16, 'directories.corp.kind', 'ldap, ad, static', 'write ldap'],
  ['[ldap.example.org]', '["ldaps://ldap.example.org"]', 17, 'directories.corp.servers[0]', 'not a server', 'write'],
  ['mail.crt', 'nail.crt', 11, 'tls.certificates[0].certificate', 'nail.crt does not exist', 'correct the path'],
  ['mail.crt', 'other.crt', 12, 'tls.certificates[0].key', 'does not belong', 'name the key'],
  ['mail.crt', 'damaged.crt', 11, 'tls.certificates[0].certificate', 'is damaged', 'copy'],
  ['key: mail.key', 'key: locked.key', 12, 'tls.certificates[0].key', 'passphrase', 'openssl pkey'],
  ['file: ldap-password', 'file: empty', 20, 'directories.corp.bind.password', 'is empty', 'write the secret'],
  ['env: MASTER', 'env: MISTRESS', 31, 'upstreams.legacy.login.password', 'is not set', 'set MISTRESS'],
  ['127.0.0.1:1143', '0.0.0.0:1143', 8, 'listeners[1].tls', 'in clear', 'allow_plaintext'],
  ['127.0.0.1:1143', '127.0.0.1:993', 8, 'listeners[1].address', 'already taken', 'own address'],
  ['"(uid={login})"', '"(uid={login}"', 23, 'directories.corp.users.filter', 'not an LDAP filter', 'needs its ")"'],
  ['"(uid={login})"', '"(uid=me)"', 23, 'directories.corp.users.filter', 'the same for every user', '{login}'],
  ['"ou=people,dc=example,dc=org"', '"example.org"', 22, 'directories.corp.users.base', 'not a DN', 'ou=people'],
  ['directories: [corp]', 'directories: [crop]', 25, 'authentication.directories[0]', 'no directory', '"corp"'],
  ['[PLAIN, LOGIN]', '[PLAIN, PLIAN]', 26, 'authentication.mechanisms[1]', 'not one of', 'write PLAIN'],
  ['    relay: legacy\n', '    relay: lgeacy\n', 34, 'routes[0].relay', 'no upstream', '"legacy"'],
  ['  - relay: legacy\n', '  - relay: {host}\n', 35, 'routes[1].relay', 'expected text', '"{host}"'],
  ['  - relay: legacy\n', '', 33, 'routes[0]', 'would have no route', 'without "when"'],
  ['listener: inner', 'listener: outer', 33, 'routes[0].when.listener', 'no listener "outer"', '[::]:993'],
  ['  - relay: legacy\n', '  - store: locale\n', 35, 'routes[1].store', 'there is no store "locale"', '"local"'],
  ['  - relay: legacy\n', '  - mirror: legacy\n', 35, 'routes[1].mirror', 'mirroring', 'store: local'],
  ['routes:\n', 'stores: { local: { kind: maildir } }\nroutes:\n', 32, 'stores.local.kind', 'maildir', 'kind: sqlite'],
  ['log: { level: info }', 'log: { level: info', 5, '', 'not valid YAML', 'close'],
];

const stand = new CommandStand();
afterAll(() => stand.remove());

describe('postern check', () => {
  beforeAll(async () => {
    const { files = {}, env = {} } = await workingMachine();
    for (const [path, content] of Object.entries(files)) stand.write(path.replace('/etc/postern/', ''), content);
    stand.env = env;
  });

  it('finds a working configuration in order', async () => {
    const file = stand.write('postern.yaml', WORKING);
    expect(await stand.run(check, '--config', file)).toEqual({
      status: 0,
      stdout: `${file}: the configuration is in order.\n`,
      stderr: '',
    });
  });

  it.each(BROKEN)('%j -> %j: names file, line and mend', async (written, instead, line, path, says, mend) => {
    const file = stand.write('broken.yaml', replaced(written, instead));
    const { status, stdout, stderr } = await stand.run(check, '--config', file);
    expect([status, stdout]).toEqual([78, '']);
    const [head = '', help = '', ...more] = stderr.split('\n');
    expect(head.startsWith(`${file}:${line}:`), head).toBe(true);
    expect(head.slice(file.length)).toMatch(/^:\d+:\d+: /);
    expect(head.replace(/^.*?:\d+:\d+: /, '').startsWith(path === '' ? '' : `${path}: `), head).toBe(true);
    expect(head).toContain(says);
    expect(help).toMatch(/^ {4}\S/);
    expect(help).toContain(mend);
    // One slip, one problem.
    expect(more).toEqual(['']);
  });

  it('tells everything at once, in order', async () => {
    let text = replaced('level: info', 'level: infos');
    for (const [written, instead] of [
      ['idle: 30m', 'idle: 30'],
      ['mail.crt', 'nail.crt'],
      ['    relay: legacy\n', '    relay: lgeacy\n'],
    ] as const)
      text = text.replace(written, instead);
    const { status, stderr } = await stand.run(check, '--config', stand.write('broken.yaml', text));
    expect(status).toBe(78);
    const lines = stderr.split('\n').flatMap(line => /broken\.yaml:(\d+):/.exec(line)?.[1] ?? []);
    expect(lines).toEqual(['4', '11', '13', '34']);
  });

  it('tells one stray bracket once, and no password behind it', async () => {
    const text = replaced('log: { level: info }', 'log: ]').replace('{ file: ldap-password }', '"pa55word"');
    const { status, stderr } = await stand.run(check, '--config', stand.write('broken.yaml', text));
    expect(status).toBe(78);
    expect(stderr.split('\n')).toHaveLength(3);
    expect(stderr).toMatch(/broken\.yaml:4:6: not valid YAML/);
    expect(stderr).not.toContain('pa55word');
  });

  it('says when there is no configuration', async () => {
    const { status, stderr } = await stand.run(check, '--config', 'nowhere.yaml');
    expect(status).toBe(78);
    expect(stderr).toContain(`${stand.folder}/nowhere.yaml does not exist`);
  });
});

describe('postern check of a file of users', () => {
  it.each([
    ['login: bob', 'login: alice', 8, 'users[1].id', 'the id is that of the user on line 2', 'give each an id'],
    [
      'host: old\n  - login: carol',
      'mail: alice@example.org\n  - login: carol',
      10,
      'users[1].mail',
      'leads to the user at',
      'one user only',
    ],
    ['m=19456', 'm=19457000', 3, 'users[0].password', 'm must be from 8', 'postern user hash'],
    ['host: old', 'hots: old', 2, 'users[0]', 'hots', 'write users:'],
    ['login: carol', 'login: [carol]', 11, 'users[2].login', 'expected string', 'write users:'],
    ['users:', 'users: ]', 1, '', 'not valid YAML', 'check quotes, brackets'],
  ])('%j -> %j: names file, line and mend', async (written, instead, line, path, says, mend) => {
    const config = stand.write('postern.yaml', STATIC_CONFIG);
    const file = stand.write('users.yaml', USERS.replace(written, instead));
    const { status, stdout, stderr } = await stand.run(check, '--config', config);
    expect([status, stdout]).toEqual([78, '']);
    const [head = '', help = ''] = stderr.split('\n');
    expect(head.startsWith(`${file}:${line}:`), head).toBe(true);
    expect(head).toContain(path);
    expect(head).toContain(says);
    expect(help).toContain(mend);
    expect(stderr.split('\n').length).toBeLessThan(8);
    // Never a hash.
    expect(stderr).not.toContain('7yFDOMhyLKz0fk6d');
  });
});

describe('postern check --users', () => {
  beforeAll(() => {
    stand.write('postern.yaml', STATIC_CONFIG);
    stand.write('users.yaml', USERS);
  });
  const users = (...args: readonly string[]) => stand.run(check, '--config', 'postern.yaml', '--users', ...args);
  const counts = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await users('--json', ...args)).stdout);

  it('counts how many each route takes', async () => {
    const { status, stdout, stderr } = await users();
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.split('\n').slice(1)).toEqual([
      'DIRECTORY  ROUTE      GOES TO    USERS  FOR EXAMPLE',
      'people     routes[1]  relay old      2  alice',
      'people     routes[2]  refused        1  carol',
      '',
    ]);
  });

  it('says the same as JSON', async () => {
    const refused = { directory: 'people', route: 'routes[2]', to: 'refused', users: 1, example: 'carol' };
    expect(await counts()).toEqual([
      { directory: 'people', route: 'routes[1]', to: 'relay old', users: 2, example: 'alice' },
      refused,
    ]);
  });

  it.each(['inner', '127.0.0.1:1144'])(
    'for those who come in at listener %s, whose address a route names',
    async name => {
      const everybody = { directory: 'people', route: 'routes[0]', to: 'relay new', users: 3, example: 'alice' };
      expect(await counts('--listener', name)).toEqual([everybody]);
    },
  );

  it('knows no other listeners', async () => {
    await expect(users('--listener', 'outer')).rejects.toThrow(UsageError);
    await expect(users('--listener', 'outer')).rejects.toThrow('there are: 127.0.0.1:1143, inner');
  });

  it('counts users whom no route can place, and asks the other directories when one does not answer', async () => {
    stand.write('users.yaml', USERS.replace('host: old', 'host: elsewhere'));
    const dead =
      '  dead: { kind: ldap, servers: ["127.0.0.1:1"], tls: none, users: { base: "dc=org" }, timeout: 2s, bind: { dn: "cn=x", password: x } }\n';
    const config = STATIC_CONFIG.replace('authentication:', `${dead}authentication:`).replace(
      '[people]',
      '[dead, people]',
    );
    stand.write('dead.yaml', config);
    const { status, stdout, stderr } = await stand.run(check, '--config', 'dead.yaml', '--users');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^directory dead: .*127\.0\.0\.1:1/m);
    expect(stdout).toMatch(/^people +none +routes\[1\]: host "elsewhere" names no upstream +1 +alice$/m);
    expect(stdout).toMatch(/^people +routes\[1\] +relay old +1 +bob$/m);
  });
});
