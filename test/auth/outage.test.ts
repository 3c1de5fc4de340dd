import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { IdentityStore } from '../../src/auth/identity-store.ts';
import { FakeDirectory } from './fake-directory.ts';
import { CONFIG, loginStand } from './login-stand.ts';

const HOUR = 3_600_000;
const TTL = 300_000;
const OUTAGE = { cache: { ttl: TTL, outage: HOUR, size: 1000 }, throttle: { ...CONFIG.throttle, delay: 0, free: 1e6 } };

function corp(users = 1): FakeDirectory {
  const directory = new FakeDirectory();
  directory.add('alice', 'secret', { groups: ['staff'], attributes: new Map([['quota', ['1', '2']]]) });
  for (let index = 1; index < users; index += 1) directory.add(`u${index}`, 'secret');
  return directory;
}

describe('a proof for outages', () => {
  let folder = '';
  let stores: IdentityStore[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'outage-'));
    stores = [];
  });

  afterEach(() => {
    for (const store of stores) store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A process that has just begun. */
  function start(directory: FakeDirectory, config = {}, origin = 'as configured') {
    const stand = loginStand([directory], { ...OUTAGE, ...config });
    const store = IdentityStore.open(folder);
    stores.push(store);
    const trusted: string[] = [];
    const authenticator = new Authenticator({
      ...stand.deps({ ...OUTAGE, ...config }),
      store,
      origin: () => origin,
      onTrust: proof => trusted.push(proof),
    });
    const attempt = (login: string, password: string) => stand.attempt(login, password, {}, authenticator);
    const written = async (many = 1) =>
      await vi.waitFor(() => expect(store.row('SELECT count(*) AS n FROM proofs')?.n).toBe(many), 5000);
    return { ...stand, authenticator, attempt, store, written, trusted };
  }

  async function proven(directory: FakeDirectory) {
    const before = start(directory);
    await before.attempt('alice', 'secret');
    await before.written();
    return before;
  }

  it('outlives the process, for this login, this password and this configuration alone', async () => {
    const directory = corp();
    await proven(directory);
    directory.failure = 'unavailable';
    const after = start(directory);
    expect(await after.attempt('alice', 'secret')).toMatchObject({
      kind: 'outage',
      detail: 'uid=alice,dc=example,dc=org',
    });
    expect(after.trusted).toEqual(['outage']);
    expect(after.lines.join()).toContain('let in without a directory');
    expect((await after.attempt('alice', 'other')).kind).toBe('unavailable');
    expect((await after.attempt('bob', 'secret')).kind).toBe('unavailable');
    expect((await start(directory, {}, 'configured otherwise').attempt('alice', 'secret')).kind).toBe('unavailable');
    expect((await start(directory, { cache: { ttl: TTL, outage: 0, size: 9 } }).attempt('alice', 'secret')).kind).toBe(
      'unavailable',
    );
    directory.failure = 'untrusted';
    expect((await start(directory).attempt('alice', 'secret')).kind).toBe('unavailable');
  });

  it('has no password in its file', async () => {
    const { store } = await proven(corp());
    store.close();
    expect(readFileSync(join(folder, 'identity.db'), 'latin1')).not.toContain('secret');
  });

  it.each(['refused', 'unknown', 'changed'] as const)('ends when the directory says %s', async how => {
    const directory = corp();
    await proven(directory);
    if (how === 'refused') directory.failure = 'refused';
    else directory.users.delete('alice');
    if (how === 'changed') directory.add('alice', 'another');
    await start(directory).attempt('alice', 'secret');
    directory.failure = 'unavailable';
    const after = start(directory);
    await vi.waitFor(async () => expect((await after.attempt('alice', 'secret')).kind).not.toBe('outage'), 3000);
    expect((await start(directory).attempt('alice', 'secret')).kind).not.toBe('outage');
  });

  it('ends when it is revoked, with those of the user’s other logins, until the directory proves it again', async () => {
    const directory = corp();
    const alice = directory.users.get('alice');
    if (alice) directory.users.set('alice@example.org', alice);
    const here = await proven(directory);
    await here.attempt('alice@example.org', 'secret');
    await here.written(2);
    here.authenticator.revoke('Alice');
    directory.failure = 'unavailable';
    for (const { attempt } of [here, start(directory)]) {
      expect((await attempt('alice', 'secret')).kind).toBe('unavailable');
      expect((await attempt('alice@example.org', 'secret')).kind).toBe('unavailable');
    }
    directory.failure = undefined;
    expect((await here.attempt('alice', 'secret')).kind).toBe('directory');
    directory.failure = 'unavailable';
    here.clock.time += TTL;
    expect((await here.attempt('alice', 'secret')).kind).toBe('outage');
  });
});

describe('a directory', () => {
  it('is asked in the background about those who are active, and what it says then holds', async () => {
    const directory = corp();
    const { attempt, clock } = loginStand([directory], OUTAGE);
    await attempt('alice', 'secret');
    clock.time += TTL * 0.7;
    await attempt('alice', 'secret');
    expect(directory.asked).toHaveLength(1);
    clock.time += TTL * 0.1;
    await Promise.all(Array.from({ length: 10 }, () => attempt('alice', 'secret')));
    expect(directory.asked).toHaveLength(2);
    clock.time += TTL * 0.7;
    expect((await attempt('alice', 'secret')).kind).toBe('cache');
    clock.time += TTL * 0.2;
    directory.users.delete('alice');
    expect((await attempt('alice', 'secret')).kind).toBe('cache');
    await vi.waitFor(async () => expect((await attempt('alice', 'secret')).kind).toBe('authentication-failed'));
  });

  it('that is silent is asked once a second about those who can do without, and fifty times a second once it answers', async () => {
    const users = 1000;
    const directory = corp(users);
    const { attempt, clock } = loginStand([directory], OUTAGE);
    const logins = ['alice', ...Array.from({ length: users - 1 }, (_, index) => `u${index + 1}`)];
    await Promise.all(logins.map(login => attempt(login, 'secret')));
    clock.time += TTL;
    directory.failure = 'unavailable';
    await attempt('alice', 'secret');
    directory.asked.length = 0;
    const kinds = new Set<string>();
    const everybody = async () => {
      for (const { kind } of await Promise.all(logins.map(login => attempt(login, 'secret')))) kinds.add(kind);
    };
    for (let second = 0; second < 5; second += 1) {
      clock.time += 1000;
      await everybody();
    }
    expect([...kinds]).toEqual(['outage']);
    expect(directory.asked).toHaveLength(5);

    directory.failure = undefined;
    for (let second = 0; second < 5; second += 1) {
      clock.time += 1000;
      directory.asked.length = 0;
      await everybody();
      expect(directory.asked.length).toBeGreaterThan(0);
      expect(directory.asked.length).toBeLessThanOrEqual(51);
    }
    expect([...kinds].toSorted()).toEqual(['cache', 'directory', 'outage']);
    clock.time += 30_000;
    kinds.clear();
    await everybody();
    expect(kinds.has('outage')).toBe(false);
  });
});
