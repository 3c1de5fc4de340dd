import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuthError, type Directory, type LoginName } from '../../src/auth/directory.ts';
import type { DirectoryUser } from '../../src/auth/principal.ts';

/** A user whom the directory under test knows. */
export interface KnownUser {
  readonly login: string;
  readonly password: string;
  /** Canonical name, as the directory spells it. */
  readonly name: string;
  readonly mail: string;
}

/** A directory with at least two users, made for one run of the suite. */
export interface DirectorySubject {
  readonly directory: Directory;
  readonly alice: KnownUser;
  readonly bob: KnownUser;
  /** How many users `list` yields. */
  readonly users: number;
  /** Ends whatever is behind it, after the directory has been closed. */
  close(): Promise<void>;
}

/** A login name as the pipeline hands it to directories: taken apart, spelled as it was given. */
export function loginName(login: string): LoginName {
  const at = login.lastIndexOf('@');
  return at < 0
    ? { login, local: login, domain: '' }
    : { login, local: login.slice(0, at), domain: login.slice(at + 1) };
}

/** Logins that are filters, patterns, paths or DNs elsewhere: here they are the names of nobody. */
const ODD_LOGINS: readonly string[] = [
  '*',
  '**',
  '*)(uid=*',
  '*)(objectClass=*',
  'x)(|(uid=*',
  '\\2a',
  '\\',
  '(',
  ')',
  '&',
  ',',
  '=',
  '#',
  '+',
  '"',
  '../../etc/passwd',
  ' ',
  '\0',
  'a\0b',
  '\n',
  '\u{1f600}',
  '__proto__',
  'constructor',
  'EXTERNAL',
  'PLAIN',
  '{login}',
  '\ud800',
];

/** What every `Directory` does. @param open makes a subject; called once */
export function directoryConformance(name: string, open: () => Promise<DirectorySubject>): void {
  describe(`${name} is a directory`, () => {
    let subject: DirectorySubject;
    const never = new AbortController().signal;
    const authenticate = (login: string, password: string, signal = never) =>
      subject.directory.authenticate(loginName(login), password, signal);
    const lookup = (login: string, signal = never) => subject.directory.lookup(loginName(login), signal);

    beforeAll(async () => {
      subject = await open();
    });

    afterAll(async () => {
      await subject?.directory.close();
      await subject?.close();
    });

    it('vouches for the right password', async () => {
      const { alice } = subject;
      const user = await authenticate(alice.login, alice.password);
      expect(user).toMatchObject({ directory: subject.directory.name, name: alice.name, mail: alice.mail });
      expect(user.id).not.toBe('');
      expect(user.entry).not.toBe('');
    });

    it("does not vouch for a wrong password, another user's, or a part of the right one", async () => {
      const { alice, bob } = subject;
      const wrong = [`${alice.password}x`, ` ${alice.password}`, alice.password.slice(1), alice.password.toUpperCase()];
      for (const password of wrong.filter(other => other !== '' && other !== alice.password)) {
        expect(await kindOf(authenticate(alice.login, password))).toBe('bad-password');
      }
      if (bob.password !== alice.password) {
        expect(await kindOf(authenticate(alice.login, bob.password))).toBe('bad-password');
      }
      for (const password of [`${alice.password}\0`, `${alice.password}\0x`, '\0', '\0x']) {
        expect(await kindOf(authenticate(alice.login, password))).toBe('bad-password');
      }
    });

    it('refuses an empty password', async () => {
      expect(await kindOf(authenticate(subject.alice.login, ''))).toBe('bad-password');
    });

    it('refuses a very long password', async () => {
      expect(await kindOf(authenticate(subject.alice.login, 'p'.repeat(100_000)))).toBe('bad-password');
    });

    it('knows a user by mail address as well, with the same id', async () => {
      const { alice } = subject;
      const byLogin = await authenticate(alice.login, alice.password);
      const byMail = await authenticate(alice.mail, alice.password);
      expect(byMail.id).toBe(byLogin.id);
      expect(byMail.name).toBe(byLogin.name);
    });

    it('tells an unknown user from a wrong password', async () => {
      expect(await kindOf(authenticate('nobody-is-called-this', 'secret'))).toBe('unknown-user');
      expect(await kindOf(authenticate('nobody-is-called-this@example.org', 'secret'))).toBe('unknown-user');
    });

    it('keeps ids stable and apart', async () => {
      const { alice, bob } = subject;
      const first = await authenticate(alice.login, alice.password);
      const again = await authenticate(alice.login, alice.password);
      const other = await authenticate(bob.login, bob.password);
      expect(again).toEqual(first);
      expect(other.id).not.toBe(first.id);
      expect(other.name).toBe(bob.name);
    });

    it('looks up the same entry without a password', async () => {
      const { alice } = subject;
      // Which server proved the password is said of proofs only.
      const { answeredBy: _, ...proven } = await authenticate(alice.login, alice.password);
      expect(await lookup(alice.login)).toEqual(proven);
      expect(await lookup('nobody-is-called-this')).toBeUndefined();
    });

    it.each(ODD_LOGINS)('takes the login %j for a name like any other', async login => {
      expect(await kindOf(authenticate(login, subject.alice.password))).toBe('unknown-user');
      expect(await lookup(login)).toBeUndefined();
    });

    it('takes a part of a login, or more than it, for nobody', async () => {
      const { alice } = subject;
      for (const login of [`${alice.login}*`, `*${alice.login}`, alice.login.slice(0, -1), `${alice.login}\0`]) {
        expect(await kindOf(authenticate(login, alice.password))).toBe('unknown-user');
      }
    });

    it('takes a very long login for nobody', async () => {
      for (const login of [
        'a'.repeat(1000),
        'b'.repeat(100_000),
        '('.repeat(10_000),
        `${'é'.repeat(5000)}@example.org`,
      ]) {
        expect(await kindOf(authenticate(login, 'secret'))).toBe('unknown-user');
        expect(await lookup(login)).toBeUndefined();
      }
    });

    it('lists every user once', async () => {
      const all: DirectoryUser[] = [];
      for await (const user of subject.directory.list(never)) all.push(user);
      expect(all).toHaveLength(subject.users);
      expect(new Set(all.map(({ id }) => id)).size).toBe(subject.users);
      expect(all.map(({ id }) => id)).toContain((await lookup(subject.alice.login))?.id);
    });

    it('can stop listing early', async () => {
      for await (const user of subject.directory.list(never)) {
        expect(user.id).not.toBe('');
        break;
      }
      expect(await lookup(subject.alice.login)).toBeDefined();
    });

    it('stops when the signal does, and goes on for others', async () => {
      const { alice } = subject;
      const gone = AbortSignal.abort(new Error('the client is gone'));
      await expect(authenticate(alice.login, alice.password, gone)).rejects.toThrow('the client is gone');
      const controller = new AbortController();
      const answer = authenticate(alice.login, alice.password, controller.signal);
      controller.abort(new Error('the client is gone'));
      await expect(answer).rejects.toThrow('the client is gone');
      expect(await authenticate(alice.login, alice.password)).toMatchObject({ name: alice.name });
    });

    it('answers many at once, each its own', async () => {
      const { alice, bob } = subject;
      const asked = Array.from({ length: 60 }, async (_, index) => {
        if (index % 3 === 0) return (await authenticate(alice.login, alice.password)).name;
        if (index % 3 === 1) return (await authenticate(bob.login, bob.password)).name;
        return kindOf(authenticate(alice.login, 'wrong'));
      });
      expect(await Promise.all(asked)).toEqual(
        asked.map((_, index) => [alice.name, bob.name, 'bad-password'][index % 3]),
      );
    });
  });
}

/** The kind of the AuthError a promise ends in. @throws when it ends otherwise */
export async function kindOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof AuthError) return error.kind;
    throw error;
  }
  return 'no error';
}
