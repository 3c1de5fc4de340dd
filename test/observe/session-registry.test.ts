import { describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.ts';
import type { AccountId } from '../../src/mail/ids.ts';
import { SessionRegistry } from '../../src/observe/session-registry.ts';

// The brand exists for the compiler only; the registry takes accounts as they come.
const isAccount = (text: string): text is AccountId => text !== '';

function principal(login: string, account: string): Principal {
  if (!isAccount(account)) throw new Error('no account');
  return {
    account,
    login,
    mechanism: 'PLAIN',
    proof: 'directory',
    directory: 'corp',
    id: account,
    name: login,
    mail: undefined,
    host: undefined,
    groups: [],
    attributes: new Map(),
    entry: '',
  };
}

function fixture() {
  const registry = new SessionRegistry(() => 100_000);
  const kicked: string[] = [];
  const open = (id: string, more: { address?: string; listener?: string; since?: number } = {}) =>
    registry.open({
      id,
      listener: more.listener ?? 'imaps',
      address: more.address ?? '192.0.2.1',
      port: 1,
      since: more.since ?? 90_000,
      kick: reason => {
        kicked.push(`${id}: ${reason}`);
        registry.close(id);
      },
    });
  return { registry, open, kicked };
}
const ids = (entries: readonly { id: string }[]) => entries.map(({ id }) => id);

describe('SessionRegistry', () => {
  it('counts sessions by account as they are identified and closed', () => {
    const { registry, open } = fixture();
    const one = open('1');
    const two = open('2');
    open('3');
    registry.identify(one, principal('alice', 'corp:a'));
    registry.identify(two, principal('alice@example.org', 'corp:a'));
    expect(registry.countByAccount('corp:a')).toBe(2);
    registry.identify(two, principal('bob', 'corp:b'));
    expect(registry.countByAccount('corp:a')).toBe(1);
    registry.close('1');
    registry.close('1');
    registry.identify(one, principal('alice', 'corp:a'));
    expect(registry.countByAccount('corp:a')).toBe(0);
    expect(registry.countByAccount('corp:b')).toBe(1);
    expect(registry.size).toBe(2);
  });

  it('counts a session for nobody once it is disowned', () => {
    const { registry, open } = fixture();
    const one = open('1');
    registry.identify(one, principal('alice', 'corp:a'));
    registry.disown(one);
    registry.disown(one);
    expect(registry.countByAccount('corp:a')).toBe(0);
    expect(registry.list({ login: 'alice' })).toEqual([]);
    registry.identify(one, principal('bob', 'corp:b'));
    expect(registry.countByAccount('corp:b')).toBe(1);
    registry.close('1');
    registry.disown(one);
    expect(registry.countByAccount('corp:b')).toBe(0);
  });

  it('refuses an id twice', () => {
    const { open } = fixture();
    open('1');
    expect(() => open('1')).toThrow(/taken/);
  });

  it('finds sessions by everything an administrator knows', () => {
    const { registry, open } = fixture();
    const one = open('1', { address: '::ffff:10.0.0.7', since: 10_000 });
    open('2', { address: '10.9.9.9', listener: 'imap' });
    const three = open('3', { address: '2001:db8::5' });
    registry.identify(one, principal('Alice', 'corp:a'));
    one.phase = 'relay';
    one.upstream = 'legacy';
    three.phase = 'login';
    expect(ids(registry.list())).toEqual(['1', '2', '3']);
    expect(ids(registry.list({ login: 'aLICE' }))).toEqual(['1']);
    expect(ids(registry.list({ login: 'corp:a' }))).toEqual(['1']);
    expect(ids(registry.list({ address: '10.0.0.0/8' }))).toEqual(['1', '2']);
    expect(ids(registry.list({ address: '2001:db8::/32' }))).toEqual(['3']);
    expect(ids(registry.list({ address: '10.9.9.9' }))).toEqual(['2']);
    expect(ids(registry.list({ upstream: 'legacy' }))).toEqual(['1']);
    expect(ids(registry.list({ listener: 'imap' }))).toEqual(['2']);
    expect(ids(registry.list({ phase: 'login' }))).toEqual(['3']);
    expect(ids(registry.list({ olderThan: 10_001 }))).toEqual(['1']);
    expect(ids(registry.list({ id: '2' }))).toEqual(['2']);
    expect(ids(registry.list({ id: '2', listener: 'imaps' }))).toEqual([]);
    expect(ids(registry.list({ login: 'alice', address: '10.9.9.9' }))).toEqual([]);
    expect(registry.phases()).toEqual({ handshake: 1, login: 1, relay: 1, serve: 0, closing: 0 });
    for (const address of ['10.0.0.0/33', '10.0.0', '10.0.0.0/8/8', '10.0.0.0/', 'x']) {
      expect(() => registry.list({ address })).toThrow(/is not an address or network/);
    }
  });

  it('ends sessions, but not those that are ending already', () => {
    const { registry, open, kicked } = fixture();
    open('1');
    open('2').phase = 'closing';
    open('3', { address: '10.0.0.1' });
    expect(registry.kick({ address: '192.0.2.0/24' }, 'out')).toBe(1);
    expect(registry.kick({}, 'all')).toBe(1);
    expect(kicked).toEqual(['1: out', '3: all']);
  });
});
