import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountId } from '../../src/auth/account-id.ts';
import { AppPasswordFolder } from '../../src/auth/app-passwords/folder.ts';
import { newSecret } from '../../src/auth/app-passwords/secret-form.ts';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { DecisionRecord } from '../../src/auth/decision-record.ts';
import type { AuthenticationConfig } from '../../src/config/schema.ts';
import { FakeDirectory } from './fake-directory.ts';
import { loginStand } from './login-stand.ts';

const PHONE = { name: 'phone', only: [], from: [] };
const ACCOUNT = accountId('corp', 'id-ada');
const TAKEN = { app_passwords: { required_for: { groups: [] } } };
const CONFINED = { app_passwords: { required_for: { groups: ['sales'] } } };

describe('a login by app password', () => {
  let data = '';
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'postern-app-logins-'));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  function stand(config: Partial<AuthenticationConfig> = TAKEN) {
    const directory = new FakeDirectory();
    directory.add('ada', 'secret', { groups: ['sales'] });
    directory.add('bob', 'secret');
    const appPasswords = new AppPasswordFolder(data);
    const doors = loginStand([directory], config);
    const trusted: unknown[] = [];
    const onTrust = (...what: readonly unknown[]) => void trusted.push(what);
    const authenticator = new Authenticator({ ...doors.deps(config), appPasswords, onTrust });
    const attempt = (login: string, password: string) => doors.attempt(login, password, {}, authenticator);
    return { directory, appPasswords, authenticator, attempt, doors, trusted };
  }

  it('is let in without the directory seeing the password', async () => {
    const { directory, appPasswords, attempt, doors } = stand();
    const { secret } = await appPasswords.create(ACCOUNT, PHONE);
    const { kind, stages } = await attempt('ada', secret);
    expect(kind).toBe('app-password');
    expect(stages).toBe('normalise ok, throttle ok, cache skip, directory ok, app-password ok, policy ok');
    expect(directory.asked).toEqual(['lookup ada']);
    expect(doors.outcomes).toEqual(['ok-app-password']);
  });

  it('is refused once revoked, although the entry is still known; the directory is not asked, so that nothing locks', async () => {
    const { directory, appPasswords, attempt } = stand();
    const { secret, record } = await appPasswords.create(ACCOUNT, PHONE);
    await attempt('ada', secret);
    await appPasswords.revoke(ACCOUNT, record.id);
    const { kind, detail, took } = await attempt('ada', secret);
    expect([kind, detail, took]).toEqual(['authentication-failed', 'app password: unknown or revoked', 500]);
    expect(directory.asked).toEqual(['lookup ada']);
  });

  it('is refused alike and as late for a wrong one, of another user, of nobody', async () => {
    const { appPasswords, attempt } = stand();
    const { secret } = await appPasswords.create(ACCOUNT, PHONE);
    const endings = [await attempt('ada', newSecret()), await attempt('bob', secret), await attempt('nobody', secret)];
    expect(endings.map(({ kind, answer, took }) => [kind, answer, took])).toEqual(
      Array.from({ length: 3 }, () => ['authentication-failed', undefined, 500]),
    );
  });

  it('is not let in when the account is gone or refused', async () => {
    const { directory, appPasswords, attempt } = stand({ ...TAKEN, cache: { ttl: 0, outage: 0, size: 10 } });
    const { secret } = await appPasswords.create(ACCOUNT, PHONE);
    directory.failure = 'refused';
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'authentication-failed' });
    directory.failure = undefined;
    directory.users.delete('ada');
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'authentication-failed' });
  });

  it('goes on in an outage of the directory for as long as proven logins do, and not when revoked', async () => {
    const { directory, appPasswords, attempt, trusted, doors } = stand({
      ...TAKEN,
      cache: { ttl: 0, outage: 60_000, size: 10 },
    });
    const { secret, record } = await appPasswords.create(ACCOUNT, PHONE);
    directory.failure = 'unavailable';
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'unavailable' });
    directory.failure = undefined;
    await attempt('ada', secret);
    directory.failure = 'unavailable';
    doors.clock.time += 5000;
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'app-password' });
    expect(trusted).toEqual([['outage', 5000]]);
    expect(doors.lines.join()).toContain('let in without a directory');
    await appPasswords.revoke(ACCOUNT, record.id);
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'authentication-failed' });
  });

  it('asks the directory again after ttl, however often it was used meanwhile', async () => {
    const { directory, appPasswords, attempt, doors } = stand({ ...TAKEN, cache: { ttl: 1000, outage: 0, size: 10 } });
    const { secret } = await appPasswords.create(ACCOUNT, PHONE);
    for (let used = 0; used < 4; used += 1) {
      await attempt('ada', secret);
      doors.clock.time += 400;
    }
    expect(directory.asked).toEqual(['lookup ada', 'lookup ada']);
  });

  it('leaves the directory’s own password as it is, unless a group confines it', async () => {
    expect(await stand().attempt('ada', 'secret')).toMatchObject({ kind: 'directory' });
    const { attempt, appPasswords } = stand(CONFINED);
    const { secret } = await appPasswords.create(ACCOUNT, PHONE);
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'app-password' });
    expect(await attempt('bob', 'secret')).toMatchObject({ kind: 'directory' });
    expect(await attempt('ada', 'secret')).toMatchObject({
      kind: 'authorization-failed',
      detail: expect.stringMatching(/app password is required of members of sales/),
      answer: expect.stringMatching(/app password is needed/),
    });
    expect(await attempt('ada', 'wrong')).toMatchObject({ kind: 'authentication-failed', answer: undefined });
  });

  it('is a password like any other where app passwords are not taken', async () => {
    const { directory, appPasswords, attempt } = stand({});
    const { secret } = await appPasswords.create(ACCOUNT, PHONE);
    expect(await attempt('ada', secret)).toMatchObject({ kind: 'authentication-failed' });
    expect(directory.asked).toEqual(['authenticate ada']);
  });

  it('ends with the app password at a recheck', async () => {
    const { appPasswords, authenticator, doors } = stand();
    const { secret, record } = await appPasswords.create(ACCOUNT, PHONE);
    const { signal } = new AbortController();
    const principal = await authenticator.authenticate(doors.request('ada', secret), new DecisionRecord(), signal);
    expect(principal.appPassword).toEqual({ id: record.id, name: 'phone' });
    expect(await authenticator.recheck(principal, signal)).toBe('valid');
    await appPasswords.revoke(ACCOUNT, record.id);
    expect(await authenticator.recheck(principal, signal)).toBe('gone');
  });
});
