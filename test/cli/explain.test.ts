import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hashPassword } from '../../src/auth/static/password-hash.ts';
import { appPasswordCommand } from '../../src/cli/app-password.ts';
import { UsageError } from '../../src/cli/command.ts';
import { explain } from '../../src/cli/explain.ts';
import { CommandStand, STATIC_CONFIG, USERS } from './command-stand.ts';

const explanation = z.object({
  given: z.string(),
  allowed: z.boolean(),
  outcome: z.string(),
  answer: z.string().optional(),
  steps: z.array(z.object({ stage: z.string(), outcome: z.string(), detail: z.string() })),
  user: z.record(z.string(), z.unknown()).optional(),
});

describe('postern explain', () => {
  const stand = new CommandStand();
  beforeAll(() => {
    stand.write('postern.yaml', STATIC_CONFIG);
    stand.write('users.yaml', USERS);
  });
  afterAll(() => stand.remove());
  const run = (...args: readonly string[]) => stand.run(explain, '--config', 'postern.yaml', ...args);
  const json = async (...args: readonly string[]) =>
    explanation.parse(JSON.parse((await run('--json', ...args)).stdout));

  it('tells who somebody is, where they would go, and why', async () => {
    const { status, stdout, stderr } = await run('ALICE@Example.org');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ALICE@Example\.org\n/);
    expect(stdout).toMatch(/^\+ +normalise +alice@example\.org$/m);
    expect(stdout).toMatch(/^\+ +directory +people: .*users\.yaml:2$/m);
    expect(stdout).toMatch(/^\. +route +routes\[0\]: listener is 127\.0\.0\.1:1143/m);
    expect(stdout).toMatch(/^\+ +route +routes\[1\]: host is old: relay to old$/m);
    expect(stdout).toMatch(/^groups +staff$/m);
    expect(stdout).toMatch(/^Let in: relayed to upstream old$/m);
  });

  it('says the same as JSON', async () => {
    const told = await json('alice');
    expect(told).toMatchObject({ given: 'alice', allowed: true, outcome: 'relayed to upstream old' });
    expect(told.steps.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
      'normalise ok',
      'directory ok',
      'policy ok',
      'route skip',
      'route ok',
    ]);
    expect(told.user).toMatchObject({ name: 'alice', host: 'old', attributes: { department: ['Research'] } });
    expect(JSON.stringify(told)).not.toContain('argon2id');
    expect(
      Object.keys(told.user ?? {})
        .toSorted()
        .join(),
    ).toBe('account,appPasswords,attributes,directory,entry,groups,host,id,login,mail,name');
  });

  it.each(['inner', '127.0.0.1:1144'])('matches a route that names the address of listener %s', async listener => {
    expect(await json('alice', '--listener', listener)).toMatchObject({ outcome: 'relayed to upstream new' });
  });

  it('tells from which store somebody is served', async () => {
    stand.write(
      'serving.yaml',
      STATIC_CONFIG.replace(/routes:.*/s, 'routes: [{ when: { user: alice }, store: local }, { relay: old }]\n'),
    );
    const { status, stdout } = await stand.run(explain, '--config', 'serving.yaml', 'alice');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\+ +route +routes\[0\]: user is alice: served from local$/m);
    expect(stdout).toMatch(/^Let in: served from store local$/m);
  });

  describe('with a password', () => {
    afterAll(() => {
      stand.stdin = '';
    });
    const withPassword = async (password: string, ...args: readonly string[]) => {
      stand.stdin = `${password}\n`;
      return await stand.run(explain, '--config', 'own.yaml', '--password-stdin', '--json', ...args);
    };
    beforeAll(async () => {
      const taken = STATIC_CONFIG.replace(
        '  login: { case',
        '  app_passwords: { required_for: { groups: [staff] } }\n  login: { case',
      );
      stand.write('own.yaml', taken.replace('users.yaml', 'own-users.yaml').replace('data: data', 'data: own-data'));
      stand.write(
        'own-users.yaml',
        USERS.replaceAll(/"\$argon2id[^"]*"/g, `'${await hashPassword('secret', 'scrypt')}'`),
      );
    });

    it('proves it, and tells of a wrong one', async () => {
      const right = await withPassword('secret', 'bob');
      expect([right.status, JSON.parse(right.stdout)]).toMatchObject([0, { ending: 'let-in', proof: 'directory' }]);
      const wrong = await withPassword('wrong', 'bob');
      expect([wrong.status, JSON.parse(wrong.stdout)]).toMatchObject([
        1,
        { ending: 'refused', user: { name: 'bob' }, answer: 'NO [AUTHENTICATIONFAILED] Authentication failed.' },
      ]);
      expect(right.stdout + wrong.stdout).not.toMatch(/"secret|"wrong/);
    });

    it('tells that an app password is needed, and where one is of no use', async () => {
      const own = await withPassword('secret', 'alice');
      expect([own.status, JSON.parse(own.stdout).outcome]).toEqual([
        1,
        expect.stringMatching(/app password is required/),
      ]);
      const made = await stand.run(
        appPasswordCommand,
        'create',
        'alice',
        '--config',
        'own.yaml',
        '--from',
        '192.0.2.1',
      );
      const elsewhere = await withPassword(made.stdout.trim(), 'alice', '--from', '192.0.2.2');
      expect(JSON.parse(elsewhere.stdout).outcome).toMatch(/may not be used from 192\.0\.2\.2/);
      const there = await withPassword(made.stdout.trim(), 'alice', '--from', '192.0.2.1');
      expect([there.status, JSON.parse(there.stdout)]).toMatchObject([
        1,
        {
          proof: 'app-password',
          outcome: expect.stringMatching(/opens nothing at upstream old/),
          user: { appPasswords: 1 },
        },
      ]);
      const listed = await stand.run(appPasswordCommand, 'list', 'alice', '--config', 'own.yaml');
      expect(listed.stdout).toMatch(/never$/m);
    });
  });

  it('tells how each directory is asked, and that one which does not answer leaves it undecided', async () => {
    const ldap = `corp:
    kind: ldap
    servers: ["127.0.0.1:1"]
    tls: none
    timeout: 2s
    users: { base: "dc=example,dc=org", filter: "(uid={local})" }`;
    const config = STATIC_CONFIG.replace('directories:\n', `directories:\n  ${ldap}\n`);
    stand.write('ldap.yaml', config.replace('directories: [people]', 'directories: [people, corp]'));
    const run = async (login: string) => {
      const { status, stdout } = await stand.run(explain, '--config', 'ldap.yaml', '--json', login);
      return [status, JSON.parse(stdout)];
    };
    expect(await run('d*ve@example.org')).toMatchObject([
      3,
      {
        ending: 'undecided',
        answer: expect.stringMatching(/UNAVAILABLE/),
        asked: [
          { directory: 'people', question: expect.stringMatching(/users\.yaml$/) },
          {
            directory: 'corp',
            question: '(uid=d\\2ave) at "dc=example,dc=org", scope sub',
            servers: [{ server: '127.0.0.1:1', state: 'down' }],
          },
        ],
      },
    ]);
    expect(await run('alice')).toMatchObject([0, { asked: [{}, { servers: [{ state: 'unknown' }] }] }]);
  });

  it('says where mail is, as whom the relay logs in, and that there is no server to ask', async () => {
    const { stdout } = await run('bob');
    expect(stdout).toMatch(/^upstream +old: 127\.0\.0\.1:31143\nlogs in as +bob$/m);
    expect(stdout).toMatch(/^not asked +Postern is not running/m);
    const served = (await stand.run(explain, '--config', 'serving.yaml', 'alice')).stdout;
    expect(served).toMatch(/^mailboxes +.*data\/accounts\/.* \(made at the first login\)$/m);
    expect(served).toMatch(/^capabilities +IMAP4rev1 .*CONDSTORE/m);
    const never = 'stores: { local: { create: never } }\nroutes: [{ store: local }]\n';
    stand.write('never.yaml', STATIC_CONFIG.replace(/routes:.*/s, never));
    expect(await stand.run(explain, '--config', 'never.yaml', 'alice')).toMatchObject({ status: 2 });
  });

  it('tells what a refused user is told', async () => {
    const { status, stdout } = await run('carol');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^! +route +routes\[2\]: always: refused: Your mailbox is not set up yet\.$/m);
    expect(stdout).toMatch(/^Not let in: refused by routes\[2\]$/m);
    expect(stdout).toMatch(/^The client is told: NO \[CONTACTADMIN\] Your mailbox is not set up yet\.$/m);
  });

  it('tells that nobody has a name, and what the client hears then', async () => {
    const { status, stdout } = await run('dave');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^! +directory /m);
    expect(stdout).toMatch(/^The client is told: NO \[AUTHENTICATIONFAILED\] Authentication failed\.$/m);
    expect(await json('dave')).toMatchObject({
      allowed: false,
      answer: expect.stringContaining('AUTHENTICATIONFAILED'),
    });
  });

  it('cannot be made to write to the terminal', async () => {
    const { status, stdout } = await run('\u001b[2Jdave');
    expect(status).toBe(1);
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    [[], 'say one login'],
    [['alice', 'bob'], 'say one login'],
    [['alice', '--listener', 'outer'], 'there is no listener "outer"; there are: 127.0.0.1:1143, inner'],
    [['alice', '--password', 'x'], "Unknown option '--password'"],
  ])('%j is a wrong command line', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(UsageError);
    await expect(run(...args)).rejects.toThrow(message);
  });

  it('tells what is wrong in the configuration and in the file of users', async () => {
    stand.write('broken.yaml', STATIC_CONFIG.replace('relay: new', 'relay: neu'));
    expect(await stand.run(explain, 'alice', '--config', 'broken.yaml')).toMatchObject({
      status: 78,
      stdout: '',
      stderr: expect.stringContaining('broken.yaml:15:12: routes[0].relay'),
    });
    stand.write('other.yaml', STATIC_CONFIG.replace('users.yaml', 'others.yaml'));
    stand.write('others.yaml', USERS.replace('login: bob', 'login: alice'));
    expect(await stand.run(explain, 'alice', '--config', 'other.yaml')).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('others.yaml:8:'),
    });
  });
});
