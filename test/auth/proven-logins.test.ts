import { describe, expect, it } from 'vitest';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { NO_RECORD } from '../../src/auth/decision-record.ts';
import { FakeDirectory } from './fake-directory.ts';
import { CONFIG, loginStand } from './login-stand.ts';

const signal = new AbortController().signal;

function corp(name = 'corp'): FakeDirectory {
  const directory = new FakeDirectory(name);
  directory.add('alice', 'secret');
  directory.add('bob', 'secret');
  return directory;
}

describe('a proven login', () => {
  it('is not asked for again within ttl', async () => {
    const directory = corp();
    const { attempt, clock, outcomes } = loginStand([directory]);
    await attempt('alice', 'secret');
    clock.time += CONFIG.cache.ttl * 0.7;
    expect(await attempt('ALICE', 'secret')).toMatchObject({ kind: 'cache', took: 0 });
    clock.time += CONFIG.cache.ttl * 0.3;
    expect((await attempt('alice', 'secret')).kind).toBe('directory');
    expect(outcomes).toEqual(['ok', 'ok-cached', 'ok']);
  });

  it('is never somebody else’s: the same password at another login is asked for', async () => {
    const directory = corp();
    const { authenticator, request } = loginStand([directory]);
    const ids: string[] = [];
    for (const login of ['alice', 'bob', 'alice', 'bob']) {
      ids.push((await authenticator.authenticate(request(login, 'secret'), NO_RECORD, signal)).id);
    }
    expect(ids).toEqual(['id-alice', 'id-bob', 'id-alice', 'id-bob']);
    expect(directory.asked).toEqual(['authenticate alice', 'authenticate bob']);
  });

  it('gives way to a new password at once', async () => {
    const directory = corp();
    const { attempt } = loginStand([directory]);
    await attempt('alice', 'secret');
    directory.add('alice', 'new');
    expect((await attempt('alice', 'new')).kind).toBe('directory');
    expect((await attempt('alice', 'new')).kind).toBe('cache');
    expect((await attempt('alice', 'secret')).kind).toBe('authentication-failed');
  });

  it('is not shaken by wrong guesses', async () => {
    const { attempt } = loginStand([corp()]);
    await attempt('alice', 'secret');
    await attempt('alice', 'wrong');
    expect((await attempt('alice', 'secret')).kind).toBe('cache');
  });

  it('stops when the directory, asked again, refuses that password', async () => {
    const directory = corp();
    const stand = loginStand([directory], { cache: { ttl: 0, outage: 3_600_000, size: 10 } });
    await stand.attempt('alice', 'secret');
    directory.add('alice', 'new');
    expect((await stand.attempt('alice', 'secret')).kind).toBe('authentication-failed');
    directory.failure = 'unavailable';
    expect((await stand.attempt('alice', 'secret')).kind).toBe('unavailable');
  });

  it('is not remembered when it failed', async () => {
    const directory = corp();
    const { attempt } = loginStand([directory]);
    await attempt('alice', 'wrong');
    directory.add('alice', 'wrong');
    expect((await attempt('alice', 'wrong')).kind).toBe('directory');
  });
});

describe('while no directory answers', () => {
  const cache = { ttl: 1000, outage: 10_000, size: 10 };

  it('a login proven before is let in, for as long as configured', async () => {
    const directory = corp();
    const { attempt, clock, outcomes } = loginStand([directory], { cache });
    await attempt('alice', 'secret');
    directory.failure = 'unavailable';
    clock.time += 9999;
    const ending = await attempt('alice', 'secret');
    expect(ending.kind).toBe('outage');
    expect(ending.stages).toBe('normalise ok, throttle ok, cache skip, directory fail, cache ok, policy ok');
    expect((await attempt('alice', 'wrong')).kind).toBe('unavailable');
    expect((await attempt('bob', 'secret')).kind).toBe('unavailable');
    clock.time += 1;
    expect((await attempt('alice', 'secret')).kind).toBe('unavailable');
    expect(outcomes).toEqual(['ok', 'ok-outage', 'unavailable', 'unavailable', 'unavailable']);
  });

  it.each(['untrusted', 'misconfigured', 'ambiguous', 'refused'] as const)('and not when one is %s', async failure => {
    const directory = corp();
    const { attempt, clock } = loginStand([directory], { cache });
    await attempt('alice', 'secret');
    clock.time += 2000;
    directory.failure = failure;
    expect(['cache', 'outage']).not.toContain((await attempt('alice', 'secret')).kind);
  });

  it.each([
    ['refused', (directory: FakeDirectory) => (directory.failure = 'refused')],
    ['removed', (directory: FakeDirectory) => directory.users.delete('alice')],
  ])('a login known to be %s stays out', async (_, revoke) => {
    const directory = corp();
    const { attempt, clock } = loginStand([directory], { cache });
    await attempt('alice', 'secret');
    clock.time += 2000;
    revoke(directory);
    await attempt('alice', 'anything');
    directory.failure = 'unavailable';
    expect((await attempt('alice', 'secret')).kind).toBe('unavailable');
  });

  it('a login that its own directory no longer knows stays out, though another is down', async () => {
    const [first, second] = [corp('first'), corp('second')];
    const { attempt, clock } = loginStand([first, second], { cache });
    await attempt('alice', 'secret');
    clock.time += 2000;
    first.users.delete('alice');
    second.failure = 'unavailable';
    expect((await attempt('alice', 'secret')).kind).toBe('unavailable');
  });
});

describe('connections at the same time', () => {
  it('with the same password cost one question', async () => {
    const directory = corp();
    const { attempt, outcomes } = loginStand([directory]);
    const gate = Promise.withResolvers<void>();
    directory.gate = gate.promise;
    const attempts = Array.from({ length: 10 }, () => attempt('alice', 'secret'));
    await new Promise(setImmediate);
    gate.resolve();
    const endings = await Promise.all(attempts);
    expect(endings.every(({ kind }) => kind === 'directory')).toBe(true);
    expect(endings.every(({ stages }) => stages.endsWith('directory ok, policy ok'))).toBe(true);
    expect(directory.asked).toEqual(['authenticate alice']);
    expect(outcomes).toEqual(Array(10).fill('ok'));
  });

  it('with the same wrong password count as one guess', async () => {
    const { attempt } = loginStand([corp()]);
    await Promise.all(Array.from({ length: 10 }, () => attempt('alice', 'old')));
    expect((await attempt('alice', 'secret')).took).toBe(0);
  });

  it('with different passwords or logins are asked for one by one', async () => {
    const directory = corp();
    const { attempt } = loginStand([directory]);
    const endings = await Promise.all([
      attempt('alice', 'secret'),
      attempt('alice', 'wrong'),
      attempt('bob', 'secret'),
    ]);
    expect(endings.map(({ kind }) => kind)).toEqual(['directory', 'authentication-failed', 'directory']);
    expect(directory.asked.length).toBe(3);
  });

  it('may be given up one by one; the directory hears of it when all are', async () => {
    const directory = corp();
    directory.gate = new Promise(() => {});
    const signals: AbortSignal[] = [];
    directory.onSignal = given => signals.push(given);
    const { authenticator, request, outcomes } = loginStand([directory]);
    const clients = [new AbortController(), new AbortController()];
    const logins = clients.map(({ signal: gone }) =>
      authenticator.authenticate(request('alice', 'secret'), NO_RECORD, gone),
    );
    const settled = Promise.allSettled(logins);
    await new Promise(setImmediate);
    clients[0]?.abort(new Error('gone'));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    clients[1]?.abort(new Error('gone'));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(outcomes).toEqual([]);
  });
});

describe('a new configuration', () => {
  const pair = () => [corp('first'), corp('second')] as const;

  it('keeps what was proven by directories that are the same, and what is known of guessers', async () => {
    const [first, second] = pair();
    first.users.delete('bob');
    const stand = loginStand([first, second]);
    await stand.attempt('alice', 'secret');
    await stand.attempt('bob', 'secret');
    for (let guess = 0; guess < 4; guess += 1) await stand.attempt('carol', `${guess}`, { address: '203.0.113.1' });
    const next = Authenticator.from(stand.authenticator, stand.deps({ require: { groups: [] } }));
    expect((await stand.attempt('alice', 'secret', {}, next)).kind).toBe('cache');
    expect((await stand.attempt('bob', 'secret', {}, next)).kind).toBe('cache');
    expect((await stand.attempt('carol', '5', { address: '203.0.113.1' }, next)).took).toBe(2000);
  });

  it.each([
    ['its directory is gone', ([, second]: ReturnType<typeof pair>) => [second]],
    ['its directory has another configuration', ([, second]: ReturnType<typeof pair>) => [corp('first'), second]],
    ['another is asked before it', ([first, second]: ReturnType<typeof pair>) => [second, first]],
  ])('asks anew when %s', async (_, change) => {
    const before = pair();
    const stand = loginStand(before);
    await stand.attempt('alice', 'secret');
    const next = Authenticator.from(stand.authenticator, stand.deps({}, change(before)));
    expect((await stand.attempt('alice', 'secret', {}, next)).kind).toBe('directory');
  });

  it('applies its policy to those proven before', async () => {
    const stand = loginStand([corp()]);
    await stand.attempt('alice', 'secret');
    const next = Authenticator.from(stand.authenticator, stand.deps({ require: { groups: ['staff'] } }));
    expect((await stand.attempt('alice', 'secret', {}, next)).kind).toBe('authorization-failed');
  });

  it('is the last word: a closed authenticator remembers nothing', async () => {
    const stand = loginStand([corp()]);
    await stand.attempt('alice', 'secret');
    stand.authenticator.close();
    expect((await stand.attempt('alice', 'secret')).kind).toBe('directory');
  });
});

describe('a session, rechecked', () => {
  const config = { require: { groups: ['mail'] } };

  function withGroup() {
    const directory = corp();
    directory.add('alice', 'secret', { groups: ['mail'] });
    return directory;
  }

  const login = async (stand: ReturnType<typeof loginStand>) =>
    stand.authenticator.authenticate(stand.request('alice', 'secret'), NO_RECORD, signal);

  it('stays while the same entry is there', async () => {
    const stand = loginStand([withGroup()], config);
    const principal = await login(stand);
    expect(await stand.authenticator.recheck(principal, signal)).toBe('valid');
    expect((await stand.attempt('alice', 'secret')).kind).toBe('cache');
  });

  it.each([
    ['the entry is gone', (directory: FakeDirectory) => directory.users.delete('alice')],
    [
      'it is another entry',
      (directory: FakeDirectory) => directory.add('alice', 'secret', { id: 'x', groups: ['mail'] }),
    ],
    ['the required group is gone', (directory: FakeDirectory) => directory.add('alice', 'secret')],
  ])('is over when %s, and the cache does not let it in again', async (_, change) => {
    const directory = withGroup();
    const stand = loginStand([directory], config);
    const principal = await login(stand);
    change(directory);
    expect(await stand.authenticator.recheck(principal, signal)).toBe('gone');
    const before = directory.asked.length;
    await stand.attempt('alice', 'secret');
    expect(directory.asked.length).toBe(before + 1);
  });

  it('is over when its directory is no longer asked', async () => {
    const stand = loginStand([withGroup()], config);
    const principal = await login(stand);
    const next = Authenticator.from(stand.authenticator, stand.deps({}, [corp('lab')]));
    expect(await next.recheck(principal, signal)).toBe('gone');
  });

  it.each(['unavailable', 'untrusted', 'misconfigured'] as const)('stays when the directory is %s', async failure => {
    const directory = withGroup();
    const stand = loginStand([directory], config);
    const principal = await login(stand);
    directory.failure = failure;
    await expect(stand.authenticator.recheck(principal, signal)).rejects.toMatchObject({ kind: failure });
    expect((await stand.attempt('alice', 'secret')).kind).toBe('cache');
  });
});
