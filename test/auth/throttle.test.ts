import { describe, expect, it } from 'vitest';
import { Throttle } from '../../src/auth/throttle.ts';

const CONFIG = { delay: 500, growth: 2, maximum: 15_000, forget: 600_000, free: 3, refuse: 0, exempt: [] };
const HOME = '192.0.2.1';
const AWAY = '198.51.100.7';

function throttled(config: Partial<ConstructorParameters<typeof Throttle>[0]> = {}) {
  const clock = { time: 1_000_000 };
  const throttle = new Throttle({ ...CONFIG, ...config }, () => clock.time);
  let guesses = 0;
  /** A guess that begins now and is refused at once. */
  const fail = (address: string, login: string | undefined, times = 1) => {
    for (let time = 0; time < times; time += 1) {
      throttle.begin(address, login);
      guesses += 1;
      throttle.failed(address, login, `guess ${guesses}`);
    }
  };
  return { clock, throttle, fail };
}

describe('the delay of a refusal', () => {
  it('grows after the free failures, up to the maximum', () => {
    const { throttle, fail } = throttled();
    const delays = Array.from({ length: 10 }, () => {
      const delay = throttle.delayFor(HOME, 'alice');
      fail(HOME, 'alice');
      return delay;
    });
    expect(delays).toEqual([500, 500, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('never ends, however many fail', () => {
    const { throttle, fail } = throttled();
    fail(HOME, 'alice', 2000);
    expect(throttle.delayFor(HOME, 'alice')).toBe(15_000);
    expect(throttle.holdFor(HOME, 'alice')).toBe(15_000);
  });

  it('is nothing where nothing is configured', () => {
    const { throttle, fail } = throttled({ delay: 0 });
    fail(HOME, 'alice', 2000);
    expect([throttle.delayFor(HOME, 'alice'), throttle.holdFor(HOME, 'alice')]).toEqual([0, 0]);
  });

  it('does not grow for the same wrong password again and again', () => {
    const { throttle } = throttled();
    for (let time = 0; time < 100; time += 1) throttle.failed(HOME, 'alice', 'old password');
    expect(throttle.delayFor(HOME, 'alice')).toBe(500);
    for (let time = 0; time < 100; time += 1) throttle.failed(HOME, 'alice', `guess ${time % 20}`);
    expect(throttle.delayFor(HOME, 'alice')).toBe(15_000);
  });

  it('is forgotten in time', () => {
    const { clock, throttle, fail } = throttled();
    fail(HOME, 'alice', 8);
    clock.time += CONFIG.forget - 1;
    expect(throttle.delayFor(HOME, 'alice')).toBe(15_000);
    clock.time += 1;
    expect(throttle.delayFor(HOME, 'alice')).toBe(500);
    fail(HOME, 'alice');
    expect(throttle.delayFor(HOME, 'alice')).toBe(500);
  });
});

describe('an attempt', () => {
  it('begins at once until there were more than the free failures', () => {
    const { throttle, fail } = throttled();
    fail(HOME, 'alice', 3);
    expect(throttle.holdFor(HOME, 'alice')).toBe(0);
    fail(HOME, 'alice');
    expect(throttle.holdFor(HOME, 'alice')).toBe(1000);
  });

  it('takes turns with others of its address, whatever the login, so that many connections gain nothing', () => {
    const { clock, throttle, fail } = throttled();
    for (let time = 0; time < 5; time += 1) fail(HOME, `user${time}`);
    expect(throttle.holdFor(HOME, 'someone')).toBe(2000);
    clock.time += 2000;
    expect(throttle.holdFor(HOME, 'someone')).toBe(0);
    throttle.begin(HOME, 'someone');
    expect(throttle.holdFor(HOME, 'another')).toBe(2000);
    expect(throttle.holdFor(HOME, undefined)).toBe(2000);
    expect(throttle.holdFor(AWAY, 'another')).toBe(0);
  });

  it('at a login under attack waits once, beside others, so that the owner is not kept out', () => {
    const { clock, throttle, fail } = throttled();
    for (let time = 0; time < 50; time += 1) fail(`203.0.113.${time}`, 'alice');
    expect(throttle.holdFor(AWAY, 'alice')).toBe(15_000);
    clock.time += 15_000;
    fail('203.0.113.99', 'alice');
    expect(throttle.holdFor(AWAY, 'alice', 15_000)).toBe(0);
    expect(throttle.holdFor(AWAY, 'alice', 14_000)).toBe(1000);
  });

  it('counts one login whatever its case', () => {
    const { throttle, fail } = throttled();
    for (const [index, login] of ['alice', 'Alice', 'ALICE', 'aLICE'].entries()) fail(`203.0.113.${index}`, login);
    expect(throttle.holdFor(AWAY, 'alicE')).toBe(1000);
  });
});

describe('where a login was proven', () => {
  it('attacks from elsewhere do not slow it', () => {
    const { throttle, fail } = throttled();
    throttle.succeeded(HOME, 'alice');
    for (let time = 0; time < 50; time += 1) fail(`203.0.113.${time}`, 'alice');
    expect([throttle.holdFor(HOME, 'alice'), throttle.delayFor(HOME, 'alice')]).toEqual([0, 500]);
    expect(throttle.holdFor(AWAY, 'alice')).toBe(15_000);
  });

  it('the failures of others behind the address do not slow it', () => {
    const { throttle, fail } = throttled();
    throttle.succeeded(HOME, 'alice');
    fail(HOME, 'bob', 8);
    expect(throttle.holdFor(HOME, 'alice')).toBe(0);
    expect(throttle.holdFor(HOME, 'carol')).toBe(15_000);
  });

  it('its own failures slow it, and do not slow the owner elsewhere', () => {
    const { throttle, fail } = throttled();
    throttle.succeeded(HOME, 'alice');
    fail(HOME, 'alice', 4);
    expect(throttle.holdFor(HOME, 'alice')).toBe(1000);
    expect(throttle.holdFor(AWAY, 'alice')).toBe(0);
    throttle.succeeded(HOME, 'alice');
    expect(throttle.holdFor(HOME, 'alice')).toBe(0);
  });

  it('a success does not clear what counts for the address or the login elsewhere', () => {
    const { throttle, fail } = throttled();
    fail(AWAY, 'alice', 8);
    throttle.succeeded(AWAY, 'mallory');
    throttle.succeeded(HOME, 'alice');
    expect(throttle.holdFor(AWAY, 'alice')).toBe(15_000);
    expect(throttle.holdFor(AWAY, 'bob')).toBe(15_000);
  });
});

describe('an exempt address', () => {
  const exempt = [
    { address: '10.0.0.0', prefix: 8, family: 'ipv4' as const },
    { address: '2001:db8:1::', prefix: 48, family: 'ipv6' as const },
  ];

  it.each(['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1:2::3'])('%s is not slowed as an address', address => {
    const { throttle, fail } = throttled({ exempt });
    for (let time = 0; time < 50; time += 1) fail(address, `user${time}`);
    expect(throttle.holdFor(address, 'alice')).toBe(0);
  });

  it('still has guesses at one login slowed, in turns', () => {
    const { clock, throttle, fail } = throttled({ exempt });
    throttle.succeeded('10.1.2.3', 'alice');
    fail('10.1.2.3', 'alice', 8);
    clock.time += 15_000;
    throttle.begin('10.1.2.3', 'alice');
    expect(throttle.holdFor('10.1.2.3', 'alice')).toBe(15_000);
  });

  it.each(['', 'unix', 'not an address'])('%j, which is none, is not slowed either', address => {
    const { throttle, fail } = throttled({ exempt });
    for (let time = 0; time < 50; time += 1) fail(address, `user${time}`);
    expect(throttle.holdFor(address, 'alice')).toBe(0);
  });
});

describe('a throttle of a new configuration', () => {
  it('remembers what the one before knew, and the other way round', () => {
    const { clock, throttle, fail } = throttled();
    fail(HOME, 'alice', 4);
    const next = Throttle.from(throttle, { ...CONFIG, delay: 100, free: 0 });
    expect(next.holdFor(HOME, 'alice')).toBe(1600);
    clock.time += 5000;
    next.failed(HOME, 'alice', 'another');
    expect(throttle.delayFor(HOME, 'alice')).toBe(4000);
  });
});
