import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { splitLogin } from '../../../src/auth/login-name.ts';
import { openStaticDirectory } from '../../../src/auth/static/directory.ts';

/** The password "secret", as cheap as can be: these tests are not about its cost. */
const SECRET = '$scrypt$ln=1,r=1,p=1$c29tZXNhbHQ$KsZ3SwFtOuOWIinffpNskbDb2gNDGMxuYaB/JFhHGn0';
/** The password "other". */
const OTHER = '$scrypt$ln=1,r=1,p=1$c29tZXNhbHQ$3vs5zUG4pivThYXPdVuZDrmduL8QB9TeIKhTEqDhs+4';
const signal = new AbortController().signal;

let folder = '';
let file = '';
let lines: { msg: string; err?: { message: string } }[] = [];
const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'static-'));
  file = join(folder, 'users.yaml');
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(text: string) {
  writeFileSync(file, text);
  return openStaticDirectory('local', { kind: 'static', file }, { log });
}

const ALICE = `users:
  # Break glass.
  - login: Alice
    id: 4711
    password: '${SECRET}'
    mail: Alice.Liddell@example.org
    host: mail1.example.org
    groups: [staff, Mail]
    attributes: { Department: sales, rooms: ['1', '2'] }
  - { login: bob, password: '${OTHER}' }
`.replace('4711', "'4711'");

describe('a static directory', () => {
  it('knows its users', async () => {
    const directory = open(ALICE);
    expect(await directory.authenticate(splitLogin('alice'), 'secret', signal)).toEqual({
      directory: 'local',
      id: '4711',
      name: 'Alice',
      mail: 'Alice.Liddell@example.org',
      host: 'mail1.example.org',
      groups: ['staff', 'Mail'],
      attributes: new Map([
        ['department', ['sales']],
        ['rooms', ['1', '2']],
      ]),
      entry: `${file}:3`,
    });
    expect(await directory.lookup(splitLogin('bob'), signal)).toMatchObject({ id: 'bob', host: undefined, groups: [] });
  });

  it('finds them by login and mail address, whole and in any case', async () => {
    const directory = open(ALICE);
    const found = async (login: string) => (await directory.lookup(splitLogin(login), signal))?.id;
    expect(await found('ALICE')).toBe('4711');
    expect(await found('alice.liddell@EXAMPLE.org')).toBe('4711');
    for (const login of ['alice@example.org', 'alice.liddell', 'bob@example.org', '', '*', '__proto__']) {
      expect(await found(login)).toBeUndefined();
    }
  });

  it.each([
    ['alice', 'other', 'bad-password'],
    ['bob', 'secret', 'bad-password'],
    ['bob', '', 'bad-password'],
    ['nobody', 'secret', 'unknown-user'],
    ['nobody', '', 'bad-password'],
  ])('refuses %s with %j as %s', async (login, password, kind) => {
    const directory = open(ALICE);
    await expect(directory.authenticate(splitLogin(login), password, signal)).rejects.toMatchObject({ kind });
  });

  it('lists them all', async () => {
    const ids: string[] = [];
    for await (const user of open(ALICE).list(signal)) ids.push(user.id);
    expect(ids).toEqual(['4711', 'bob']);
  });

  it('may be empty', async () => {
    const directory = open('users: []');
    await expect(directory.authenticate(splitLogin('alice'), 'x', signal)).rejects.toMatchObject({
      kind: 'unknown-user',
    });
  });

  it('verifies an unknown user’s password as expensively as a known one’s', async () => {
    const dear = `users: [{ login: alice, password: '$scrypt$ln=15,r=8,p=1$c29tZXNhbHQ$${'A'.repeat(43)}' }]`;
    const directory = open(dear);
    const cpu = async (login: string) => {
      const begun = process.cpuUsage();
      for (let time = 0; time < 3; time += 1) {
        await directory.authenticate(splitLogin(login), 'guess', signal).catch(() => undefined);
      }
      const { user, system } = process.cpuUsage(begun);
      return user + system;
    };
    const [known, unknown] = [await cpu('alice'), await cpu('nobody')];
    expect(unknown).toBeGreaterThan(known / 3);
  });

  it('ends its waiting with the client', async () => {
    const directory = open(ALICE);
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(directory.authenticate(splitLogin('alice'), 'secret', gone)).rejects.toThrow('gone');
    await expect(directory.lookup(splitLogin('alice'), gone)).rejects.toThrow('gone');
  });
});

describe('a file that is replaced', () => {
  const replace = (text: string) => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };

  it('is used at the next login', async () => {
    const directory = open(ALICE);
    replace(ALICE.replace(SECRET, OTHER));
    expect((await directory.authenticate(splitLogin('alice'), 'other', signal)).id).toBe('4711');
    await expect(directory.authenticate(splitLogin('alice'), 'secret', signal)).rejects.toMatchObject({
      kind: 'bad-password',
    });
    replace('users: []');
    expect(await directory.lookup(splitLogin('alice'), signal)).toBeUndefined();
    expect(lines.map(({ msg }) => msg)).toEqual(['users read again', 'users read again']);
  });

  it('and cannot be read leaves the users as they were, and says so once', async () => {
    const directory = open(ALICE);
    replace('users: [');
    for (let time = 0; time < 3; time += 1) {
      expect(await directory.lookup(splitLogin('alice'), signal)).toBeDefined();
    }
    rmSync(file);
    for (let time = 0; time < 3; time += 1) {
      expect(await directory.lookup(splitLogin('alice'), signal)).toBeDefined();
    }
    expect(lines.map(({ msg }) => msg)).toEqual(Array(2).fill(expect.stringContaining('cannot be used')));
    replace(ALICE);
    expect(await directory.lookup(splitLogin('alice'), signal)).toBeDefined();
    expect(lines.at(-1)?.msg).toBe('users read again');
  });
});

describe('a file that cannot be used', () => {
  it.each([
    ['no users', 'user: []', /users\.yaml:1:.*user/],
    ['a key that nobody knows', `users:\n  - login: a\n    password: '${SECRET}'\n    grups: []`, /yaml:[24]:.*grups/],
    ['no login', `users:\n  - password: '${SECRET}'`, /yaml:2:.*users\[0\]\.login/],
    ['a password instead of a hash', 'users:\n  - login: a\n    password: hunter2', /yaml:3:.*no password hash/],
    ['a number as id', `users:\n  - login: a\n    id: 4711\n    password: '${SECRET}'`, /yaml:3:.*id/],
    [
      'two users of one login',
      `users:\n  - { login: a, password: '${SECRET}' }\n  - { login: A, id: b, password: '${SECRET}' }`,
      /yaml:3:.*leads to the user at .*:2/,
    ],
    [
      'a mail address that is another’s login',
      `users:\n  - { login: a@x, password: '${SECRET}' }\n  - { login: b, mail: A@x, password: '${SECRET}' }`,
      /yaml:3:.*users\[1\]\.mail: leads to/,
    ],
    [
      'two users of one id',
      `users:\n  - { login: a, password: '${SECRET}' }\n  - { login: b, id: a, password: '${SECRET}' }`,
      /yaml:3:.*the user on line 2/,
    ],
    ['no YAML', 'users: [', /users\.yaml:1:/],
  ])('is refused: %s', (_, text, message) => {
    expect(() => open(text)).toThrow(message);
  });

  it('is refused with everything that is wrong, and without what is secret', () => {
    const text =
      "users:\n  - { login: a, password: hunter2 }\n  - { login: b, password: '$scrypt$ln=99,r=8,p=1$x$hunter3' }";
    const fault = (() => {
      try {
        return void open(text);
      } catch (error) {
        return String(error);
      }
    })();
    expect(fault).toMatch(/:2:.*:3:/s);
    expect(fault).not.toMatch(/hunter/);
  });

  it('is refused when it is not there', () => {
    expect(() => openStaticDirectory('local', { kind: 'static', file: join(folder, 'none') }, { log })).toThrow(
      /ENOENT/,
    );
  });
});
