import { describe, expect, it } from 'vitest';
import { parseHostPort } from '../../src/config/address.ts';
import { nearest } from '../../src/config/nearest.ts';
import { parseDuration, parseSize } from '../../src/config/quantities.ts';
import fc from '../support/fast-check.ts';

describe('nearest', () => {
  const keys = ['listeners', 'limits', 'log', 'login', 'directories', 'allow_plaintext', 'proxy_protocol', 'tls'];

  it.each([
    ['listner', 'listeners'],
    ['limit', 'limits'],
    ['tsl', 'tls'],
    ['proxyProtocol', 'proxy_protocol'],
    ['allow-plain-text', 'allow_plaintext'],
    ['directory', 'directories'],
    ['loging', 'login'],
    ['stores', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%j means %j', (written, meant) => {
    expect(nearest(written, keys)).toBe(meant);
  });

  it('finds every key with two neighbours swapped', () => {
    fc.assert(
      fc.property(fc.constantFrom(...keys.filter(key => key.length > 4)), fc.nat(), (key, seed) => {
        const at = seed % (key.length - 1);
        const swapped = key.slice(0, at) + key.charAt(at + 1) + key.charAt(at) + key.slice(at + 2);
        expect(nearest(swapped, keys)).toBe(key);
      }),
    );
  });
});

describe('quantities', () => {
  it.each([
    ['0', 0],
    ['250ms', 250],
    ['1.5s', 1500],
    ['7d', 604_800_000],
    ['5', undefined],
    ['5 s', undefined],
    ['-5s', undefined],
    ['5sec', undefined],
    ['', undefined],
  ])('duration %j is %j ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each([
    ['8k', 8192],
    ['1.5K', 1536],
    ['100m', 104_857_600],
    ['7', 7],
    ['7b', 7],
    ['7kb', undefined],
    ['', undefined],
  ])('size %j is %j bytes', (text, expected) => {
    expect(parseSize(text)).toBe(expected);
  });
});

describe('host and port', () => {
  it.each([
    ['mail.example.org:993', { host: 'mail.example.org', port: 993 }],
    ['mail.example.org', { host: 'mail.example.org', port: 1 }],
    ['[::]:993', { host: '::', port: 993 }],
    ['2001:db8::1', { host: '2001:db8::1', port: 1 }],
    ['[fe80::1%eth0]:143', { host: 'fe80::1%eth0', port: 143 }],
    ['*:993', undefined],
    ['993', undefined],
    ['10.0.0.256:993', undefined],
    ['host:70000', undefined],
    ['[host]:993', undefined],
    ['a b:1', undefined],
  ])('%j is %j', (text, expected) => {
    expect(parseHostPort(text, 1)).toEqual(expected);
  });
});
