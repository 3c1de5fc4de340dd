import { beforeAll, describe, expect, it } from 'vitest';
import { type MadeUpMachine, parseOn, problemsOn } from './made-up-machine.ts';
import { type Case, expectProblem, replaced, WORKING, workingMachine } from './working-config.ts';

let machine: MadeUpMachine;
beforeAll(async () => {
  machine = await workingMachine();
});

const filesAndSecrets: readonly Case[] = [
  [
    'certificate: mail.crt',
    'certificate: nail.crt',
    {
      line: 11,
      column: 20,
      path: 'tls.certificates[0].certificate',
      says: '/etc/postern/nail.crt does not exist',
      mend: 'create',
    },
  ],
  [
    'certificate: mail.crt',
    'certificate: other.crt',
    {
      line: 12,
      column: 12,
      path: 'tls.certificates[0].key',
      says: 'does not belong to the certificate (CN=other.example.org)',
      mend: 'name the key',
    },
  ],
  [
    'certificate: mail.crt',
    'certificate: chain-in-wrong-order.crt',
    { line: 12, path: 'tls.certificates[0].key', says: 'does not belong', mend: 'number 2' },
  ],
  [
    'certificate: mail.crt',
    'certificate: mail.key',
    { line: 11, path: 'tls.certificates[0].certificate', says: 'holds no PEM certificate', mend: 'BEGIN CERTIFICATE' },
  ],
  [
    'certificate: mail.crt',
    'certificate: damaged.crt',
    {
      line: 11,
      path: 'tls.certificates[0].certificate',
      says: 'number 1 in /etc/postern/damaged.crt is damaged',
      mend: 'copy',
    },
  ],
  [
    'key: mail.key',
    'key: mail.crt',
    { line: 12, path: 'tls.certificates[0].key', says: 'holds no PEM private key', mend: 'this one has a certificate' },
  ],
  [
    'key: mail.key',
    'key: locked.key',
    { line: 12, path: 'tls.certificates[0].key', says: 'passphrase', mend: 'openssl pkey' },
  ],
  [
    '    bind:\n',
    '    ca: mail.key\n    bind:\n',
    { line: 18, path: 'directories.corp.ca', says: 'holds no PEM certificate', mend: 'BEGIN CERTIFICATE' },
  ],
  [
    'file: ldap-password',
    'file: nothing-here',
    { line: 20, path: 'directories.corp.bind.password', says: 'does not exist', mend: 'create' },
  ],
  [
    'file: ldap-password',
    'file: empty',
    { line: 20, path: 'directories.corp.bind.password', says: 'is empty', mend: 'write the secret' },
  ],
  [
    'file: ldap-password',
    'file: two-lines',
    { line: 20, path: 'directories.corp.bind.password', says: 'several lines', mend: 'one line' },
  ],
  [
    '{ file: ldap-password }',
    '""',
    { line: 20, path: 'directories.corp.bind.password', says: 'secret is empty', mend: 'give it a value' },
  ],
  [
    '{ file: ldap-password }',
    '{ fiel: ldap-password }',
    { line: 20, column: 19, path: 'directories.corp.bind.password.fiel', says: 'unknown key', mend: '"file"' },
  ],
  [
    '{ file: ldap-password }',
    '{ file: ldap-password, env: MASTER }',
    { line: 20, path: 'directories.corp.bind.password.env', says: 'cannot stand beside "file"', mend: 'keep one' },
  ],
  [
    'env: MASTER',
    'env: MISTRESS',
    { line: 31, path: 'upstreams.legacy.login.password', says: 'MISTRESS is not set', mend: 'set MISTRESS' },
  ],
  [
    'env: MASTER',
    'env: EMPTY',
    { line: 31, path: 'upstreams.legacy.login.password', says: 'EMPTY is empty', mend: 'give EMPTY a value' },
  ],
];

const acrossKeys: readonly Case[] = [
  [
    '  - relay: legacy\n',
    '  - store: locale\n',
    { line: 35, column: 12, path: 'routes[1].store', says: 'there is no store "locale"', mend: '"local"' },
  ],
  [
    '  - relay: legacy\n',
    '  - mounts: [{ store: elsewhere }]\n',
    { line: 35, path: 'routes[1].mounts[0].store', says: 'there is no store "elsewhere"', mend: 'write local' },
  ],
  [
    'routes:\n',
    'stores: { local: { folders: { "Sent": sent, "Sent Items": sent } } }\nroutes:\n',
    {
      line: 32,
      path: 'stores.local.folders["Sent Items"]',
      says: 'Sent and Sent Items are both for sent',
      mend: 'write none',
    },
  ],
  [
    'routes:\n',
    'stores: { local: { folders: { "Inbox/x": none } } }\nroutes:\n',
    { line: 32, path: 'stores.local.folders["Inbox/x"]', says: 'is the inbox, or below it', mend: 'Archive/Old' },
  ],
  [
    'routes:\n',
    'stores: { local: { folders: { "a//b": none } } }\nroutes:\n',
    { line: 32, path: 'stores.local.folders["a//b"]', says: 'empty level', mend: 'write a name' },
  ],
  [
    'routes:\n',
    'stores: { local: { folders: { "50%": none } } }\nroutes:\n',
    { line: 32, path: 'stores.local.folders["50%"]', says: 'no mailbox may have', mend: 'write a name' },
  ],
  [
    'tls:\n  certificates:\n    - certificate: mail.crt\n      key: mail.key\n',
    '',
    { line: 7, column: 10, path: 'listeners[0].tls', says: 'there is no certificate', mend: 'postern certs' },
  ],
  [
    '127.0.0.1:1143',
    '0.0.0.0:1143',
    { line: 8, path: 'listeners[1].tls', says: 'passwords cross the network in clear', mend: 'allow_plaintext' },
  ],
  [
    '127.0.0.1:1143',
    '127.0.0.1:993',
    { line: 8, column: 16, path: 'listeners[1].address', says: 'already taken by listeners[0]', mend: 'own address' },
  ],
  [
    '    tls: implicit\n',
    '    tls: implicit\n    name: inner\n',
    { line: 9, path: 'listeners[1].name', says: 'another listener is named "inner"', mend: 'name of its own' },
  ],
  [
    'literal_before_login: 8k',
    'literal_before_login: 1g',
    { line: 13, path: 'limits.literal_before_login', says: 'longer before login', mend: 'no larger' },
  ],
  [
    'maximum: 15s',
    'maximum: 10ms',
    { line: 27, path: 'authentication.throttle.maximum', says: 'shorter than the least', mend: 'no smaller' },
  ],
  [
    '    servers: [ldap.example.org]\n',
    '    servers: [ldap.example.org]\n    tls: none\n',
    { line: 18, path: 'directories.corp.tls', says: 'ldap.example.org:389', mend: 'allow_plaintext' },
  ],
  [
    '    servers: [old.example.org]\n',
    '    servers: ["127.0.0.1", old.example.org]\n    tls: none\n',
    { line: 31, path: 'upstreams.legacy.tls', says: 'old.example.org:143', mend: 'starttls' },
  ],
  [
    '"(uid={login})"',
    '"(uid={login}"',
    { line: 23, path: 'directories.corp.users.filter', says: 'not an LDAP filter', mend: '")"' },
  ],
  [
    '"(uid={login})"',
    '"(objectClass=person)"',
    { line: 23, path: 'directories.corp.users.filter', says: 'the same for every user', mend: '{login}' },
  ],
  [
    '"(uid={login})"',
    '"(mail=*@{domain})"',
    { line: 23, path: 'directories.corp.users.filter', says: 'would be the same for everybody', mend: '(uid={login})' },
  ],
  [
    '"(uid={login})"',
    '"(uid={user})"',
    { line: 23, path: 'directories.corp.users.filter', says: 'no placeholder {user}', mend: '{local}' },
  ],
  [
    '"ou=people,dc=example,dc=org"',
    '"people.example.org"',
    { line: 22, path: 'directories.corp.users.base', says: 'not a DN', mend: 'ou=people' },
  ],
  [
    '    users:\n',
    '    bind_as: "{login}@example.org"\n    users:\n',
    { line: 21, path: 'directories.corp.bind_as', says: 'not a DN', mend: 'attribute=value' },
  ],
  [
    '    users:\n',
    '    bind_as: "uid=me,dc=org"\n    users:\n',
    { line: 21, path: 'directories.corp.bind_as', says: 'the same for every user', mend: '{login}' },
  ],
  [
    'directories: [corp]',
    'directories: [crop]',
    { line: 25, column: 17, path: 'authentication.directories[0]', says: 'no directory "crop"', mend: '"corp"' },
  ],
  [
    'directories: [corp]',
    'directories: [corp, corp]',
    { line: 25, column: 23, path: 'authentication.directories[1]', says: 'twice', mend: 'once' },
  ],
  [
    'format: "{user}*{master}"',
    'format: "{user}*{boss}"',
    { line: 31, path: 'upstreams.legacy.login.format', says: 'no placeholder {boss}', mend: '{master}' },
  ],
  [
    '    relay: legacy\n',
    '    relay: lgeacy\n',
    { line: 34, column: 12, path: 'routes[0].relay', says: 'no upstream "lgeacy"', mend: '"legacy"' },
  ],
  [
    '    relay: legacy\n',
    '    relay: "imap.{host}"\n',
    { line: 34, path: 'routes[0].relay', says: 'not understood', mend: '"{host}"' },
  ],
  [
    'listener: inner',
    'listener: outer',
    { line: 33, path: 'routes[0].when.listener', says: 'no listener "outer"', mend: '[::]:993' },
  ],
  [
    '  - relay: legacy\n',
    '',
    { line: 33, column: 5, path: 'routes[0]', says: 'some users would have no route', mend: 'without "when"' },
  ],
  [
    '  - relay: legacy\n',
    '  - relay: legacy\n  - refuse: "no"\n',
    { line: 36, path: 'routes[2]', says: 'never reached', mend: 'give routes[1] a "when"' },
  ],
];

it('the file that the cases break works by itself', () => {
  const { warnings, config } = parseOn(machine, WORKING);
  expect(warnings).toEqual([]);
  expect(config.listeners[0]?.address).toEqual({ host: '::', port: 993 });
});

for (const [title, cases] of Object.entries({ filesAndSecrets, acrossKeys })) {
  describe(title, () => {
    it.each(cases)('%j -> %j', (written, instead, expected) => {
      const problems = problemsOn(machine, replaced(written, instead));
      // One slip, one problem.
      expect(problems.map(({ path, message }) => `${path}: ${message}`)).toHaveLength(1);
      expectProblem(problems[0], expected);
    });
  });
}

describe('mechanisms that leave no password', () => {
  const own = replaced(
    '{ as: master, user: postern, password: { env: MASTER }, format: "{user}*{master}" }',
    '{ as: user }',
  );
  const offering = (names: string) => own.replace('mechanisms: [PLAIN, LOGIN]', `mechanisms: [${names}]`);
  const said = 'users log in here with their own password';

  it('are an error where users are relayed by their own and nothing else is offered', () => {
    const [problem, ...more] = problemsOn(machine, offering('SCRAM-SHA-256, SCRAM-SHA-1'));
    expect(problem).toMatchObject({ path: 'upstreams.legacy', message: expect.stringContaining(said) });
    expect(more).toEqual([]);
  });

  it('are a warning where a client may choose otherwise, also at one listener', () => {
    const named = own.replace('name: inner }', 'name: inner, mechanisms: [SCRAM-SHA-256] }');
    for (const text of [offering('PLAIN, SCRAM-SHA-256'), named]) {
      expect(parseOn(machine, text).warnings).toMatchObject([{ message: expect.stringContaining(said) }]);
    }
    expect(parseOn(machine, own).warnings).toEqual([]);
  });
});
