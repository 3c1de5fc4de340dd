import { describe, expect, it } from 'vitest';
import { Admission } from '../../src/net/admission.ts';

describe('admission', () => {
  it('lets in as many as may be, and another when one has left', () => {
    const admission = new Admission({ connections: 2, per_address: 10 });
    expect(admission.enter('192.0.2.1')).toBeUndefined();
    expect(admission.enter('192.0.2.2')).toBeUndefined();
    expect(admission.enter('192.0.2.3')).toBe('connections');
    expect(admission.open).toBe(2);
    admission.leave('192.0.2.1');
    expect(admission.open).toBe(1);
    expect(admission.enter('192.0.2.3')).toBeUndefined();
  });

  it('counts each address by itself', () => {
    const admission = new Admission({ connections: 100, per_address: 2 });
    expect(admission.enter('192.0.2.1')).toBeUndefined();
    expect(admission.enter('192.0.2.1')).toBeUndefined();
    expect(admission.enter('192.0.2.1')).toBe('per_address');
    expect(admission.enter('192.0.2.2')).toBeUndefined();
    admission.leave('192.0.2.1');
    expect(admission.enter('192.0.2.1')).toBeUndefined();
    expect(admission.enter('192.0.2.1')).toBe('per_address');
    expect(admission.open).toBe(3);
  });

  it.each([
    ['the same IPv6 network of 64 bits', '2001:db8::1', '2001:db8:0:0:ffff::2', 'per_address'],
    ['another one', '2001:db8::1', '2001:db8:0:1::1', undefined],
    ['an IPv4 address written in IPv6', '192.0.2.1', '::ffff:192.0.2.1', 'per_address'],
    ['another IPv4 address written in IPv6', '::ffff:192.0.2.1', '::ffff:192.0.2.2', undefined],
    ['clients without an address, of a unix socket', '', '', undefined],
  ])('takes %s for what it is', (_, first, second, refusal) => {
    const admission = new Admission({ connections: 100, per_address: 1 });
    expect(admission.enter(first)).toBeUndefined();
    expect(admission.enter(second)).toBe(refusal);
  });

  it('counts clients of a unix socket in all', () => {
    const admission = new Admission({ connections: 1, per_address: 1 });
    expect(admission.enter('')).toBeUndefined();
    expect(admission.enter('')).toBe('connections');
    admission.leave('');
    expect(admission.open).toBe(0);
  });

  it('lets nobody in while draining', () => {
    const admission = new Admission({ connections: 2, per_address: 2 });
    admission.draining = true;
    expect(admission.enter('192.0.2.1')).toBe('draining');
    expect(admission.open).toBe(0);
  });

  it('takes new limits for those who come next', () => {
    const admission = new Admission({ connections: 2, per_address: 2 });
    admission.enter('192.0.2.1');
    admission.enter('192.0.2.1');
    admission.limits = { connections: 1, per_address: 1 };
    expect(admission.open).toBe(2);
    expect(admission.enter('192.0.2.2')).toBe('connections');
    admission.limits = { connections: 3, per_address: 1 };
    expect(admission.enter('192.0.2.2')).toBeUndefined();
  });

  it('says no to 50 at a time, or to a twentieth of the connections, and hangs up on the others', () => {
    for (const [connections, most] of [
      [10, 50],
      [2000, 100],
    ] as const) {
      const admission = new Admission({ connections, per_address: 1 });
      for (let count = 0; count < most; count += 1) expect(admission.enterRefusal()).toBe(true);
      expect(admission.enterRefusal()).toBe(false);
      admission.leaveRefusal();
      expect(admission.enterRefusal()).toBe(true);
      expect(admission.enterRefusal()).toBe(false);
    }
  });
});
