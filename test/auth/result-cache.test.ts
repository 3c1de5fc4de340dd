import { describe, expect, it } from 'vitest';
import { ResultCache } from '../../src/auth/result-cache.ts';
import { someUser } from './fake-directory.ts';

function cached(config: Partial<{ ttl: number; outage: number; size: number }> = {}) {
  const clock = { time: 5000 };
  const cache = new ResultCache({ ttl: 300, outage: 0, size: 10, ...config }, () => clock.time);
  const remember = (login: string, password: string, user = someUser(login)) =>
    cache.remember(login, cache.fingerprint(login, password), user, cache.era);
  const proven = (login: string, password: string, within?: 'ttl' | 'outage') =>
    cache.proven(login, cache.fingerprint(login, password), within)?.id;
  return { cache, clock, remember, proven };
}

describe('a proven login', () => {
  it('is known by login and password together', () => {
    const { remember, proven } = cached();
    remember('alice', 'secret');
    remember('bob', 'secret');
    expect(proven('alice', 'secret')).toBe('id-alice');
    expect(proven('bob', 'secret')).toBe('id-bob');
    expect(proven('alice', 'Secret')).toBeUndefined();
    expect(proven('alice', '')).toBeUndefined();
    expect(proven('carol', 'secret')).toBeUndefined();
  });

  it('never answers for another user, even under that one’s name', () => {
    const { cache, remember } = cached();
    remember('alice', 'secret');
    expect(cache.proven('alice', cache.fingerprint('bob', 'secret'))).toBeUndefined();
    expect(cache.proven('bob', cache.fingerprint('alice', 'secret'))).toBeUndefined();
    expect(cache.fingerprint('al', 'icesecret')).not.toEqual(cache.fingerprint('alice', 'secret'));
  });

  it('has a fingerprint that differs from process to process', () => {
    expect(cached().cache.fingerprint('alice', 'secret')).not.toEqual(cached().cache.fingerprint('alice', 'secret'));
  });

  it('is trusted for ttl, counted from the proof and not from its use', () => {
    const { clock, remember, proven } = cached();
    remember('alice', 'secret');
    clock.time += 299;
    expect(proven('alice', 'secret')).toBe('id-alice');
    clock.time += 1;
    expect(proven('alice', 'secret')).toBeUndefined();
  });

  it('is kept beyond ttl for an outage, and no longer', () => {
    const { clock, remember, proven } = cached({ outage: 1000 });
    remember('alice', 'secret');
    clock.time += 999;
    expect(proven('alice', 'secret')).toBeUndefined();
    expect(proven('alice', 'secret', 'outage')).toBe('id-alice');
    expect(proven('alice', 'wrong', 'outage')).toBeUndefined();
    clock.time += 1;
    expect(proven('alice', 'secret', 'outage')).toBeUndefined();
  });

  it('is not trusted longer in an outage than configured, even when ttl is', () => {
    const { clock, remember, proven } = cached({ outage: 100 });
    remember('alice', 'secret');
    clock.time += 100;
    expect(proven('alice', 'secret', 'outage')).toBeUndefined();
    expect(proven('alice', 'secret')).toBe('id-alice');
  });

  it('is not kept where nothing is to be', () => {
    const { remember, proven } = cached({ ttl: 0 });
    remember('alice', 'secret');
    expect(proven('alice', 'secret')).toBeUndefined();
    expect(proven('alice', 'secret', 'outage')).toBeUndefined();
  });

  it('gives way to a new password', () => {
    const { remember, proven } = cached();
    remember('alice', 'old');
    remember('alice', 'new');
    expect([proven('alice', 'old'), proven('alice', 'new')]).toEqual([undefined, 'id-alice']);
  });

  it('ends when its own password is refused, not when another is', () => {
    const { cache, remember, proven } = cached();
    remember('alice', 'secret');
    cache.forgetPassword('alice', cache.fingerprint('alice', 'guess'));
    expect(proven('alice', 'secret')).toBe('id-alice');
    cache.forgetPassword('alice', cache.fingerprint('alice', 'secret'));
    expect(proven('alice', 'secret')).toBeUndefined();
  });

  it('ends when its directory no longer knows it, not when another never did', () => {
    const { cache, remember, proven } = cached();
    remember('alice', 'secret');
    cache.forgetLogin('alice', 'other');
    expect(proven('alice', 'secret')).toBe('id-alice');
    cache.forgetLogin('alice', 'corp');
    expect(proven('alice', 'secret')).toBeUndefined();
  });

  it('is not revived by an answer asked for before it was invalidated', () => {
    const { cache, proven } = cached();
    const { era } = cache;
    cache.invalidate(someUser('alice'));
    cache.remember('alice', cache.fingerprint('alice', 'secret'), someUser('alice'), era);
    expect(proven('alice', 'secret')).toBeUndefined();
  });

  it('is invalidated under all of the user’s logins, and no other user’s', () => {
    const { cache, remember, proven } = cached();
    remember('alice', 'secret');
    remember('alice@example.org', 'secret', someUser('alice'));
    remember('bob', 'secret');
    remember('visitor', 'secret', { ...someUser('alice'), directory: 'other' });
    cache.invalidate(someUser('alice'));
    expect([proven('alice', 'secret'), proven('alice@example.org', 'secret')]).toEqual([undefined, undefined]);
    expect([proven('bob', 'secret'), proven('visitor', 'secret')]).toEqual(['id-bob', 'id-alice']);
  });

  it('makes room for others, the least used first', () => {
    const { remember, proven } = cached({ size: 2 });
    remember('alice', 'a');
    remember('bob', 'b');
    proven('alice', 'a');
    remember('carol', 'c');
    expect([proven('alice', 'a'), proven('bob', 'b'), proven('carol', 'c')]).toEqual([
      'id-alice',
      undefined,
      'id-carol',
    ]);
  });
});

describe('a cache of a new configuration', () => {
  it('takes over what is approved, the latest used if it has less room', () => {
    const { cache, remember } = cached();
    for (const login of ['alice', 'bob', 'carol']) remember(login, login);
    cache.proven('alice', cache.fingerprint('alice', 'alice'));
    remember('dave', 'dave', someUser('dave', { directory: 'lab' }));
    const next = ResultCache.from(cache, { ttl: 300, outage: 0, size: 2 }, user => user.directory === 'corp');
    const known = ['alice', 'bob', 'carol', 'dave'].filter(login => next.proven(login, next.fingerprint(login, login)));
    expect(known).toEqual(['alice', 'carol']);
  });
});
