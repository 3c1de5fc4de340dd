import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accountId } from '../../src/auth/account-id.ts';
import { AppPasswordFolder } from '../../src/auth/app-passwords/folder.ts';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { NO_RECORD } from '../../src/auth/decision-record.ts';
import type { ScramProof } from '../../src/auth/login-request.ts';
import { encodeScramVerifier, KeptVerifiers, newScramVerifier } from '../../src/auth/scram-verifier.ts';
import type { AuthenticationConfig } from '../../src/config/schema.ts';
import { FakeDirectory } from './fake-directory.ts';
import { loginStand } from './login-stand.ts';

const PHONE = { name: 'phone', only: [], from: [] };

/** A client that knows a password, and what it was told. */
function client(password: string, told: unknown[] = []): ScramProof {
  return {
    hash: 'sha256',
    async prove(verifiers) {
      const [first] = verifiers;
      if (!first) throw new Error('no verifier');
      const { salt, iterations } = first;
      told.push({ salt: salt.toString('hex'), iterations, verifiers: verifiers.length });
      const key = createHmac('sha256', pbkdf2Sync(password, salt, iterations, 32, 'sha256')).update('Client Key');
      const stored = createHash('sha256').update(key.digest()).digest();
      const proven = verifiers.find(verifier => verifier.storedKey.equals(stored));
      return proven ? { proven } : { proven: undefined, reason: 'the proof is wrong' };
    },
  };
}

describe('a login by SCRAM', () => {
  let scram: KeptVerifiers;
  let data = '';
  beforeAll(async () => {
    scram = new KeptVerifiers([encodeScramVerifier(await newScramVerifier('secret', 'sha256'))]);
  });
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'postern-scram-logins-'));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  function stand(config: Partial<AuthenticationConfig> = {}) {
    const directory = new FakeDirectory();
    directory.add('ada', 'secret', { groups: ['sales'], scram });
    directory.add('bob', 'secret');
    const appPasswords = new AppPasswordFolder(data);
    const doors = loginStand([directory], config);
    const authenticator = new Authenticator({ ...doors.deps(config), appPasswords });
    const attempt = (login: string, proof: ScramProof) =>
      doors.attempt(login, '', { password: undefined, scram: proof, mechanism: 'SCRAM-SHA-256' }, authenticator);
    return { directory, appPasswords, authenticator, attempt, doors };
  }

  it('is let in by the entry’s verifier; the principal has none of it', async () => {
    const { directory, attempt, authenticator, doors } = stand();
    expect(await attempt('Ada', client('secret'))).toMatchObject({ kind: 'directory' });
    expect(directory.asked).toEqual(['lookup ada']);
    const request = { ...doors.request('ada', ''), password: undefined, scram: client('secret') };
    const principal = await authenticator.authenticate(request, NO_RECORD, new AbortController().signal);
    expect(principal).not.toHaveProperty('scram');
  });

  it('is refused alike and as late for a wrong password, nobody, and whoever has no verifier; each is a guess', async () => {
    const { attempt, doors } = stand();
    const told: { salt: string }[] = [];
    for (const [login, password, outcome] of [
      ['ada', 'wrong', 'bad-password'],
      ['nobody', 'secret', 'unknown-user'],
      ['bob', 'secret', 'bad-password'],
      ['nobody', 'wrong', 'unknown-user'],
    ] as const) {
      const { kind, took } = await attempt(login, client(password, told));
      expect([kind, took]).toEqual(['authentication-failed', 500]);
      expect(doors.outcomes.at(-1)).toBe(outcome);
      doors.clock.time += 600_000;
    }
    expect(new Set(told.map(({ salt }) => salt)).size).toBe(3);
    expect(told[1]).toEqual(told[3]);
  });

  it('is slowed down after too many', async () => {
    const { attempt } = stand();
    for (let count = 0; count < 4; count += 1) await attempt('ada', client('wrong'));
    expect((await attempt('ada', client('wrong'))).took).toBeGreaterThan(500);
  });

  it('proves one of several app passwords where there is no verifier, and where the own password is refused', async () => {
    const { appPasswords, attempt } = stand({ app_passwords: { required_for: { groups: ['sales'] } } });
    for (const user of ['ada', 'bob']) {
      const account = accountId('corp', `id-${user}`);
      await appPasswords.create(account, { ...PHONE, name: 'old' });
      const { secret } = await appPasswords.create(account, PHONE);
      const told: unknown[] = [];
      expect(await attempt(user, client(secret, told))).toMatchObject({ kind: 'app-password' });
      expect(told).toMatchObject([{ verifiers: 2, iterations: 4096 }]);
      expect(await attempt(user, client('secret'))).toMatchObject({ kind: 'authentication-failed' });
    }
  });

  it('is asked about at the directory each time, so that a new password works at once', async () => {
    const { directory, attempt } = stand();
    await attempt('ada', client('secret'));
    const changed = encodeScramVerifier(await newScramVerifier('changed', 'sha256'));
    directory.add('ada', 'changed', { scram: new KeptVerifiers([changed]) });
    expect(await attempt('ada', client('changed'))).toMatchObject({ kind: 'directory' });
    expect(await attempt('ada', client('secret'))).toMatchObject({ kind: 'authentication-failed' });
  });

  it('is no bad password while no directory answers; within `outage`, what was proven before is enough', async () => {
    const { directory, attempt, doors } = stand({ cache: { ttl: 0, outage: 1000, size: 10 } });
    await attempt('ada', client('secret'));
    directory.failure = 'unavailable';
    expect(await attempt('ada', client('secret'))).toMatchObject({ kind: 'outage' });
    expect(await attempt('bob', client('secret'))).toMatchObject({ kind: 'unavailable' });
    doors.clock.time += 600;
    expect(await attempt('ada', client('secret'))).toMatchObject({ kind: 'outage' });
    doors.clock.time += 400;
    expect(await attempt('ada', client('secret'))).toMatchObject({ kind: 'unavailable' });
  });

  it('ends as the client ends it', async () => {
    const { attempt, doors } = stand();
    const gone = new Error('gone');
    await expect(attempt('ada', { hash: 'sha256', prove: () => Promise.reject(gone) })).rejects.toBe(gone);
    expect(doors.outcomes).toEqual([]);
  });
});
