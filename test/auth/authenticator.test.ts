import { describe, expect, it } from 'vitest';
import { accountId } from '../../src/auth/account-id.ts';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { DecisionRecord, NO_RECORD } from '../../src/auth/decision-record.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import { FakeDirectory } from './fake-directory.ts';
import { CONFIG, loginStand } from './login-stand.ts';

const signal = new AbortController().signal;

function corp(): FakeDirectory {
  const directory = new FakeDirectory();
  directory.add('alice', 'secret', { mail: 'alice@example.org', groups: ['CN=Mail, OU=Groups, DC=example, DC=org'] });
  directory.add('bob', 'secret');
  return directory;
}

describe('a login', () => {
  it('becomes a principal', async () => {
    const { authenticator, request, outcomes } = loginStand([corp()]);
    const principal = await authenticator.authenticate(request('ALICE', 'secret'), NO_RECORD, signal);
    expect(principal).toMatchObject({
      account: accountId('corp', 'id-alice'),
      directory: 'corp',
      id: 'id-alice',
      login: 'alice',
      mail: 'alice@example.org',
      mechanism: 'PLAIN',
      proof: 'directory',
    });
    expect(JSON.stringify(principal)).not.toContain('secret');
    expect(outcomes).toEqual(['ok']);
    expect(NO_RECORD.steps).toEqual([]);
  });

  it('tells what it learns of whom it is about, for the audit log, also when it refuses', async () => {
    const { authenticator, request } = loginStand([corp()], { require: { groups: ['mail'] } });
    const learntOf = async (login: string, password: string) => {
      const all = {};
      const asked = { ...request(login, password), learnt: (what: object) => void Object.assign(all, what) };
      await authenticator.authenticate(asked, NO_RECORD, signal).catch(() => {});
      return all;
    };
    expect(await learntOf('ALICE', 'wrong')).toEqual({ login: 'alice', directory: 'corp' });
    expect(await learntOf('nobody', 'wrong')).toEqual({ login: 'nobody' });
    expect(await learntOf('BOB', 'secret')).toEqual({
      login: 'bob',
      account: accountId('corp', 'id-bob'),
      directory: 'corp',
    });
  });

  it('reaches one account by all its names', async () => {
    const directory = corp();
    const user = directory.users.get('alice');
    if (user) directory.users.set('alice@example.org', user);
    const { authenticator, request } = loginStand([directory]);
    const accounts = await Promise.all(
      ['alice', 'Alice@Example.ORG'].map(
        async login => (await authenticator.authenticate(request(login, 'secret'), NO_RECORD, signal)).account,
      ),
    );
    expect(new Set(accounts).size).toBe(1);
  });

  it('leaves a record of every step, and no password in it', async () => {
    const { attempt } = loginStand([new FakeDirectory('lab'), corp()]);
    const { stages, steps } = await attempt('Alice', 'secret');
    expect(stages).toBe('normalise ok, throttle ok, cache skip, directory skip, directory ok, policy ok');
    expect(steps.map(({ detail }) => detail)).toEqual([
      'alice',
      'not held',
      'not proven lately',
      'lab: unknown-user: no entry',
      'corp: uid=alice,dc=example,dc=org',
      'no group required',
    ]);
    expect(JSON.stringify(steps)).not.toContain('secret');
  });

  it('is compared with its password as OpaqueString', async () => {
    const directory = corp();
    directory.add('jana', 'J\u00fcrgen x\u00b2');
    const { attempt } = loginStand([directory]);
    expect((await attempt('jana', 'Ju\u0308rgen\u00a0x\u00b2')).kind).toBe('directory');
    expect((await attempt('jana', 'J\u00fcrgen x2')).kind).toBe('authentication-failed');
  });
});

describe('a refusal', () => {
  it('is the same for every reason that a guesser could learn from', async () => {
    const directory = corp();
    const { attempt, outcomes } = loginStand([directory]);
    const endings = [
      await attempt('nobody', 'secret', { address: '192.0.2.11' }),
      await attempt('alice', 'wrong', { address: '192.0.2.12' }),
      await attempt('al\u202eice', 'secret', { address: '192.0.2.13' }),
      await attempt('alice', '', { address: '192.0.2.14' }),
    ];
    directory.failure = 'refused';
    endings.push(await attempt('bob', 'secret', { address: '192.0.2.15' }));

    for (const { kind, answer, took } of endings) {
      expect({ kind, answer, took }).toEqual({ kind: 'authentication-failed', answer: undefined, took: 500 });
    }
    expect(outcomes).toEqual(['unknown-user', 'bad-password', 'refused', 'bad-password', 'refused']);
    expect(endings.map(({ detail }) => detail)).toEqual([
      'unknown in corp',
      'corp: bad-password: refused for uid=alice,dc=example,dc=org',
      'login name contains the prohibited character U+202E',
      'empty password',
      'corp: refused: told to be refused',
    ]);
  });

  it('takes as long when the directory was slow, and no longer', async () => {
    const directory = corp();
    const { attempt, clock } = loginStand([directory]);
    directory.onSignal = () => {
      clock.time += 300;
    };
    expect((await attempt('alice', 'wrong')).took).toBe(500);
    directory.onSignal = () => {
      clock.time += 700;
    };
    expect((await attempt('alice', 'wrong, too')).took).toBe(700);
  });

  it('asks no directory about an empty password or a name that is none', async () => {
    const directory = corp();
    const { attempt } = loginStand([directory]);
    await attempt('alice', '');
    await attempt('', 'secret');
    await attempt('alice@', 'secret');
    expect(directory.asked).toEqual([]);
  });

  it('comes later and later, and holds the next attempt', async () => {
    const { attempt } = loginStand([corp()]);
    const took: number[] = [];
    for (let guess = 0; guess < 6; guess += 1) took.push((await attempt('alice', `guess ${guess}`)).took);
    expect(took).toEqual([500, 500, 500, 1000, 2000, 4000]);
    const other = await attempt('alice', 'secret', { address: '203.0.113.9' });
    expect(other).toMatchObject({ kind: 'directory', took: 4000 });
    expect(other.stages).toBe('normalise ok, throttle skip, throttle ok, cache skip, directory ok, policy ok');
  });

  it('does not hold the owner where they have logged in before', async () => {
    const { attempt } = loginStand([corp()]);
    await attempt('alice', 'secret', { address: '198.51.100.1' });
    for (let guess = 0; guess < 8; guess += 1) await attempt('alice', `guess ${guess}`);
    expect(await attempt('alice', 'secret', { address: '198.51.100.1' })).toMatchObject({ kind: 'cache', took: 0 });
  });

  it('leaves the directory’s own time covered after a hold of the longest', async () => {
    const directory = corp();
    const { attempt, clock } = loginStand([directory]);
    for (let guess = 0; guess < 12; guess += 1) await attempt('alice', `guess ${guess}`);
    directory.onSignal = () => {
      clock.time += 100;
    };
    expect((await attempt('alice', 'another')).took).toBe(15_500);
  });

  it('counts when the client hangs up instead of waiting for it', async () => {
    const { authenticator, request, outcomes, clock, attempt } = loginStand([corp()]);
    for (let guess = 0; guess < 4; guess += 1) {
      const client = new AbortController();
      clock.onSleep = () => client.abort(new Error('gone'));
      const login = authenticator.authenticate(request('alice', `guess ${guess}`), NO_RECORD, client.signal);
      await expect(login).rejects.toBeInstanceOf(MailError);
    }
    clock.onSleep = () => {};
    expect(outcomes).toEqual(Array(4).fill('bad-password'));
    expect(await attempt('alice', 'secret')).toMatchObject({ kind: 'directory', took: 1000 });
  });

  it('is not waited for, nor is a hold, by a client that has gone', async () => {
    const { authenticator, request, clock, attempt } = loginStand([corp()]);
    for (let guess = 0; guess < 8; guess += 1) await attempt('alice', `guess ${guess}`);
    const client = new AbortController();
    clock.onSleep = () => client.abort(new Error('gone'));
    const login = authenticator.authenticate(
      request('alice', 'secret', { address: '203.0.113.9' }),
      NO_RECORD,
      client.signal,
    );
    await expect(login).rejects.toThrow('gone');
  });
});

describe('several directories', () => {
  it('are asked in order, the next one only when the user is unknown', async () => {
    const [first, second] = [new FakeDirectory('first'), new FakeDirectory('second')];
    first.add('alice', 'one');
    second.add('alice', 'two');
    second.add('bob', 'two');
    const { attempt } = loginStand([first, second]);
    expect((await attempt('bob', 'two')).kind).toBe('directory');
    expect((await attempt('alice', 'two')).kind).toBe('authentication-failed');
    expect(second.asked).toEqual(['authenticate bob']);
  });

  it.each(['unavailable', 'untrusted', 'misconfigured', 'ambiguous', 'refused'] as const)(
    'are not asked further when one is %s',
    async failure => {
      const [first, second] = [new FakeDirectory('first'), new FakeDirectory('second')];
      first.failure = failure;
      second.add('alice', 'two');
      const { attempt, outcomes } = loginStand([first, second]);
      expect((await attempt('alice', 'two')).kind).not.toBe('directory');
      expect(second.asked).toEqual([]);
      expect(outcomes).toEqual([failure]);
    },
  );

  it('must all be there', () => {
    const { deps } = loginStand([corp()]);
    expect(() => new Authenticator(deps({ directories: ['corp', 'lab'] }))).toThrow(/no directory "lab"/);
  });
});

describe('a directory that cannot say', () => {
  it.each([
    ['unavailable', 'unavailable', 0],
    ['untrusted', 'unavailable', 1],
    ['misconfigured', 'unavailable', 1],
    ['ambiguous', 'contact-admin', 1],
  ] as const)('because it is %s is answered %s, at once, uncounted', async (failure, kind, lines) => {
    const directory = corp();
    directory.failure = failure;
    const stand = loginStand([directory]);
    for (let time = 0; time < 10; time += 1) {
      expect(await stand.attempt('alice', `guess ${time}`)).toMatchObject({ kind, took: 0 });
    }
    expect(stand.lines.length).toBe(lines * 10);
    directory.failure = undefined;
    expect(await stand.attempt('alice', 'secret')).toMatchObject({ kind: 'directory', took: 0 });
  });

  it('for a reason nobody thought of is a bug, not an answer', async () => {
    const directory = corp();
    directory.failure = new TypeError('undefined is not a function');
    const { authenticator, request, outcomes } = loginStand([directory]);
    const login = authenticator.authenticate(request('alice', 'secret'), NO_RECORD, signal);
    await expect(login).rejects.toBeInstanceOf(TypeError);
    expect(outcomes).toEqual([]);
  });
});

describe('required groups', () => {
  it.each([
    [['cn=mail,ou=groups,dc=example,dc=org'], 'directory'],
    [['staff', 'mail'], 'directory'],
    [['cn=staff,ou=groups,dc=example,dc=org'], 'authorization-failed'],
    [['cn=mail,ou=other,dc=example,dc=org'], 'authorization-failed'],
  ])('%j: %s', async (groups, kind) => {
    const { attempt, outcomes } = loginStand([corp()], { require: { groups } });
    const ending = await attempt('alice', 'secret');
    expect(ending).toMatchObject({ kind, took: 0 });
    expect(outcomes).toEqual([kind === 'directory' ? 'ok' : 'not-authorized']);
  });

  it('are not told to those without the password', async () => {
    const { attempt } = loginStand([corp()], { require: { groups: ['staff'] } });
    expect((await attempt('alice', 'wrong')).kind).toBe('authentication-failed');
  });

  it('hold for cached logins, too', async () => {
    const { attempt } = loginStand([corp()], { require: { groups: ['staff'] } });
    await attempt('alice', 'secret');
    const { kind, stages } = await attempt('alice', 'secret');
    expect(kind).toBe('authorization-failed');
    expect(stages).toContain('cache ok, policy fail');
  });
});

describe('a lookup', () => {
  it('goes the same way without a password', async () => {
    const { authenticator, outcomes } = loginStand([new FakeDirectory('lab'), corp()], {
      login: { ...CONFIG.login, strip_domain: true },
    });
    const record = new DecisionRecord();
    const user = await authenticator.lookup('Alice@example.org', record, signal);
    expect(user).toMatchObject({ login: 'alice', id: 'id-alice', account: accountId('corp', 'id-alice') });
    expect(record.steps.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
      'normalise ok',
      'directory skip',
      'directory ok',
      'policy ok',
    ]);
    expect(outcomes).toEqual([]);
  });

  it.each([
    ['nobody', undefined, 'authentication-failed'],
    ['a\0', undefined, 'authentication-failed'],
    ['bob', undefined, 'authorization-failed'],
    ['alice', 'unavailable', 'unavailable'],
    ['alice', 'ambiguous', 'contact-admin'],
  ] as const)('of %j (directory: %s) is answered %s', async (login, failure, kind) => {
    const directory = corp();
    directory.failure = failure;
    const { authenticator } = loginStand([directory], { require: { groups: ['mail'] } });
    await expect(authenticator.lookup(login, NO_RECORD, signal)).rejects.toMatchObject({ kind });
  });
});
