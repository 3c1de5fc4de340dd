import { describe, expect, it } from 'vitest';
import { NO_RECORD } from '../../src/auth/decision-record.ts';
import { type AccountTrouble, AuthError, type Refusal } from '../../src/auth/directory.ts';
import { type Disclosure, disclose } from '../../src/auth/disclosure.ts';
import { FakeDirectory } from './fake-directory.ts';
import { CONFIG, loginStand } from './login-stand.ts';

const refused = (refusal?: Refusal) =>
  new AuthError(refusal?.passwordProven ? 'refused' : 'bad-password', 'no', undefined, refusal);
const POLICIES: readonly Disclosure[] = ['none', 'after-password', 'all'];

describe('what a refused client is told', () => {
  it.each<[AccountTrouble, string]>([
    ['password-expired', 'expired'],
    ['must-change', 'expired'],
    ['disabled', 'contact-admin'],
    ['account-expired', 'contact-admin'],
    ['locked', 'contact-admin'],
    ['hours', 'unavailable'],
    ['workstation', 'contact-admin'],
  ])('of %s is %s, after the right password or to all', (trouble, kind) => {
    const told = (passwordProven: boolean) =>
      POLICIES.map(policy => disclose(refused({ trouble, passwordProven }), policy).kind);
    expect(told(true)).toEqual(['authentication-failed', kind, kind]);
    expect(told(false)).toEqual(['authentication-failed', 'authentication-failed', kind]);
  });

  it('of a wrong password and an unknown user is nothing under any policy', () => {
    for (const policy of POLICIES) {
      expect(disclose(refused(), policy)).toEqual({ kind: 'authentication-failed' });
      expect(disclose(undefined, policy)).toEqual({ kind: 'authentication-failed' });
    }
  });
});

describe('an account with trouble, through the pipeline', () => {
  const signal = new AbortController().signal;
  const troubled = (trouble: AccountTrouble) => {
    const corp = new FakeDirectory();
    corp.add('alice', 'secret');
    const stand = loginStand([corp], { disclose: 'after-password', throttle: { ...CONFIG.throttle, delay: 500 } });
    const fall = () => {
      corp.failure = new AuthError('refused', 'in trouble', undefined, { trouble, passwordProven: true });
    };
    return { ...stand, fall };
  };

  it('is told after the usual time, in words of its own', async () => {
    const { attempt, fall } = troubled('disabled');
    fall();
    expect(await attempt('alice', 'secret')).toMatchObject({
      kind: 'contact-admin',
      answer: expect.stringContaining('disabled'),
      took: 500,
    });
  });

  it.each<[AccountTrouble, string]>([
    ['disabled', 'gone'],
    ['account-expired', 'gone'],
    ['password-expired', 'gone'],
    ['must-change', 'gone'],
    ['hours', 'gone'],
    ['locked', 'it goes on'],
  ])('%s: a session rechecked is %s', async (trouble, expected) => {
    const { authenticator, request, fall } = troubled(trouble);
    const principal = await authenticator.authenticate(request('alice', 'secret'), NO_RECORD, signal);
    fall();
    const said = await authenticator.recheck(principal, signal).catch(error => `it goes on: ${error.kind}`);
    expect(said).toBe(expected === 'gone' ? 'gone' : 'it goes on: refused');
  });
});
