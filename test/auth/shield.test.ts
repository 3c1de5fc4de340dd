import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { IdentityStore } from '../../src/auth/identity-store.ts';
import type { AuthenticationConfig } from '../../src/config/schema.ts';
import { FakeDirectory } from './fake-directory.ts';
import { loginStand } from './login-stand.ts';

const DAY = 86_400_000;
const MINUTE = 60_000;
/** Failures that cost no time: what is counted here is questions to the directory. */
const FREE = { delay: 0, growth: 1, maximum: 0, forget: DAY, free: 1_000_000, refuse: 0, exempt: [] };

/** Locks an account at the third wrong password since the last right one, as a domain with that threshold does. */
class LockingDirectory extends FakeDirectory {
  readonly wrong = new Map<string, number>();

  override async authenticate(...args: Parameters<FakeDirectory['authenticate']>) {
    const [{ login }] = args;
    const wrong = this.wrong.get(login) ?? 0;
    if (wrong >= 3) this.failure = 'refused';
    try {
      const user = await super.authenticate(...args);
      this.wrong.delete(login);
      return user;
    } catch (error) {
      if (this.failure === undefined) this.wrong.set(login, wrong + 1);
      throw error;
    }
  }
}

describe('the shield', () => {
  let folder = '';
  let opened: IdentityStore[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shield-'));
    opened = [];
  });

  afterEach(() => {
    for (const store of opened) store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** One process: a door of its own on the common folder. */
  function door(directory: FakeDirectory, shield: Partial<AuthenticationConfig['shield']> = {}) {
    const store = IdentityStore.open(folder);
    opened.push(store);
    const config = { shield: { remember: DAY, entries: 1000, ...shield }, throttle: FREE };
    const stand = loginStand([directory], config);
    const authenticator = new Authenticator({ ...stand.deps(config), store });
    const attempt: typeof stand.attempt = (login, password, more) =>
      stand.attempt(login, password, more, authenticator);
    return { ...stand, attempt, store };
  }

  function corp(): LockingDirectory {
    const directory = new LockingDirectory();
    directory.add('alice', 'secret');
    return directory;
  }

  it('lets one wrong password, tried a thousand times, cost one question, and the new right one in at once', async () => {
    const directory = corp();
    const { attempt, outcomes } = door(directory, { budget: { tries: 2, within: 30 * MINUTE } });
    const answers = new Set<string>();
    for (let time = 0; time < 1000; time += 1) {
      const { kind, answer } = await attempt(time % 2 === 0 ? 'alice' : 'ALICE', 'old secret');
      answers.add(`${kind} ${answer}`);
    }
    expect(directory.asked).toEqual(['authenticate alice']);
    expect([...answers]).toEqual(['authentication-failed undefined']);
    expect(outcomes.slice(0, 3)).toEqual(['bad-password', 'known-wrong', 'known-wrong']);
    directory.users.delete('alice');
    directory.add('alice', 'new secret');
    expect(await attempt('alice', 'new secret')).toMatchObject({ kind: 'directory' });
  });

  it('holds for four processes and across a restart', async () => {
    const directory = corp();
    const doors = [1, 2, 3, 4].map(() => door(directory));
    for (const { attempt } of doors) await attempt('alice', 'old secret');
    for (const store of opened) store.close();
    await door(directory).attempt('alice', 'old secret');
    expect(directory.asked).toEqual(['authenticate alice']);
    expect(await door(directory).attempt('alice', 'secret')).toMatchObject({ kind: 'directory' });
  });

  it('asks once when the same wrong password comes many times at once', async () => {
    const directory = corp();
    const { attempt } = door(directory);
    await Promise.all(Array.from({ length: 50 }, () => attempt('alice', 'old secret')));
    expect(directory.asked).toHaveLength(1);
  });

  it('says the same, as late, and with its reason in the record', async () => {
    const directory = corp();
    const stand = loginStand([directory]);
    const authenticator = new Authenticator({ ...stand.deps({}), store: IdentityStore.inMemory() });
    const first = await stand.attempt('alice', 'old', {}, authenticator);
    const again = await stand.attempt('alice', 'old', {}, authenticator);
    const seen = ({ kind, answer, took }: typeof first) => ({ kind, answer, took });
    expect(seen(again)).toEqual(seen(first));
    expect(again.steps.at(-1)).toMatchObject({ stage: 'shield', outcome: 'fail' });
    expect(JSON.stringify(again.steps)).not.toContain('old"');
  });

  it('keeps different guesses below the threshold, over all processes, and the last try for where the owner was before', async () => {
    const directory = corp();
    const budget = { tries: 3, within: 30 * MINUTE };
    const one = door(directory, { budget });
    const two = door(directory, { budget });
    await one.attempt('alice', 'secret', { address: '198.51.100.7' });
    directory.asked.length = 0;
    for (let guess = 0; guess < 20; guess += 1) {
      await (guess % 2 ? one : two).attempt('alice', `guess ${guess}`, { address: '203.0.113.9' });
    }
    expect(directory.asked).toHaveLength(2);
    expect(one.outcomes.at(-1)).toBe('over-budget');
    directory.users.delete('alice');
    directory.add('alice', 'changed');
    expect(await one.attempt('alice', 'changed', { address: '203.0.113.9' })).toMatchObject({
      kind: 'authentication-failed',
    });
    expect(await one.attempt('alice', 'changed', { address: '198.51.100.7' })).toMatchObject({ kind: 'directory' });
    // The success has set it back.
    await two.attempt('alice', 'another guess', { address: '203.0.113.9' });
    expect(two.outcomes.at(-1)).toBe('bad-password');
  });

  it('remembers nothing of users who are not there, and nothing while no directory answers', async () => {
    const directory = corp();
    const { attempt } = door(directory, { budget: { tries: 1, within: 30 * MINUTE } });
    await attempt('carol', 'hers');
    directory.add('carol', 'hers');
    expect(await attempt('carol', 'hers')).toMatchObject({ kind: 'directory' });
    directory.failure = 'unavailable';
    for (let time = 0; time < 3; time += 1) {
      expect(await attempt('alice', 'secret')).toMatchObject({ kind: 'unavailable' });
    }
    directory.failure = undefined;
    expect(await attempt('alice', 'secret')).toMatchObject({ kind: 'directory' });
  });

  it('remembers so many and no more, from the latest', async () => {
    const directory = new FakeDirectory();
    directory.add('alice', 'secret');
    const { attempt, store } = door(directory, { entries: 10 });
    for (let guess = 0; guess < 30; guess += 1) await attempt('alice', `guess ${guess}`);
    expect(store.row('SELECT count(*) AS n FROM refused')?.n).toBe(10);
    directory.asked.length = 0;
    await attempt('alice', 'guess 29');
    expect(directory.asked).toEqual([]);
    await attempt('alice', 'guess 0');
    expect(directory.asked).toHaveLength(1);
  });

  it('keeps its files to itself, with no login and no password in them', async () => {
    const { attempt, store } = door(corp());
    await attempt('alice', 'old-and-wrong');
    for (const name of readdirSync(folder)) {
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
      expect(readFileSync(join(folder, name), 'latin1')).not.toMatch(/old-and-wrong|alice/);
    }
    store.close();
  });

  it('begins anew when its file is damaged, and goes on in memory when there can be none', async () => {
    writeFileSync(join(folder, 'identity.db'), 'not a database at all, but long enough to be read as one'.repeat(40));
    const directory = corp();
    const { attempt } = door(directory);
    await attempt('alice', 'old');
    await attempt('alice', 'old');
    expect(directory.asked).toHaveLength(1);
    const store = IdentityStore.open(join(folder, 'identity.db', 'no-folder'));
    expect(store.run('INSERT INTO refused(pair, until) VALUES (?, ?)', store.mark('x'), 1).changes).toBe(1);
    store.close();
  });
});
