import { beforeEach, describe, expect, it } from 'vitest';
import { AccountHolds } from '../../src/observe/account-holds.ts';

let open: string[];
let told: object[];
let holds: AccountHolds;
const emit = async (row: object) => void told.push(row);
beforeEach(() => {
  open = [];
  told = [];
  holds = new AccountHolds(async account => {
    if (account === 'busy') throw new DOMException('too long', 'TimeoutError');
    return () => open.push(account);
  });
});

describe('an account that is held', () => {
  it('is told as held, and opened when it is released', async () => {
    const holding = holds.hold('a', emit, new AbortController().signal);
    await expect.poll(() => told).toEqual([{ held: true }]);
    expect(open).toEqual([]);
    holds.release('a');
    await holding;
    expect(open).toEqual(['a']);
    expect(() => holds.release('a')).toThrow(/nobody works on account a/);
  });

  it('is opened when its holder is gone', async () => {
    const gone = new AbortController();
    const holding = holds.hold('a', emit, gone.signal);
    await expect.poll(() => told).toEqual([{ held: true }]);
    gone.abort();
    await holding;
    expect(open).toEqual(['a']);
  });

  it('is opened when its holder was gone before it was closed', async () => {
    await expect(holds.hold('a', emit, AbortSignal.abort())).rejects.toThrow(/abort/);
    expect(open).toEqual(['a']);
  });

  it('is held by one at a time', async () => {
    const holding = holds.hold('a', emit, new AbortController().signal);
    await expect(holds.hold('a', emit, new AbortController().signal)).rejects.toThrow(/somebody works on account a/);
    await expect.poll(() => told).toEqual([{ held: true }]);
    holds.release('a');
    await holding;
  });

  it('is not held when its sessions do not end, nor by a server without mail', async () => {
    await expect(holds.hold('busy', emit, new AbortController().signal)).rejects.toThrow(/its sessions do not end/);
    expect(() => holds.release('busy')).toThrow(RangeError);
    const none = new AccountHolds(undefined);
    await expect(none.hold('a', emit, new AbortController().signal)).rejects.toThrow(/keeps no mail/);
  });
});
