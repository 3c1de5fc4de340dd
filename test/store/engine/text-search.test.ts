import { expect, it } from 'vitest';
import { MailError } from '../../../src/mail/mail-error.ts';
import type { Query } from '../../../src/mail/query.ts';
import type { ScanItem, Scanner } from '../../../src/store/search/scanner.ts';
import { filled, kindOf, never, only } from '../../conformance/store/session.ts';
import { alice, stand } from './engine-stand.ts';

const create = { mailboxes: [] };
const body: Query = { kind: 'body', text: 'wanted' };

/** The subject of a letter is its UID. */
const uidOf = ({ content }: ScanItem) => Number(/\d+/.exec(Buffer.from(content.header ?? []).toString())?.[0]);

function scanning(scan: Scanner['scan']): Scanner {
  return { scan, close: async () => {} };
}

it('asks the scanner about what the index could not decide, and nothing else', async () => {
  const asked: ScanItem[] = [];
  const scanner = scanning(async (account, items) => {
    expect(account).toBe(alice);
    asked.push(...items);
    return items.map(item => uidOf(item) % 2 === 0);
  });
  const { engine } = stand({ scanner });
  const mailbox = await filled(await engine.open(alice, { create }), 'INBOX', 6);
  const { at } = await mailbox.snapshot(false);
  await mailbox.setFlags(only(3, 4), { kind: 'add', flags: ['\\Flagged'] }, { viewAt: at });
  const flagged: Query = { kind: 'flag', name: '\\Flagged' };
  const found = async (query: Query) => [...(await mailbox.search(query, never)).uids];
  expect(await found({ kind: 'or', parts: [flagged, body] })).toEqual([2, 3, 4, 6]);
  expect(asked.map(uidOf)).toEqual([1, 2, 5, 6]);
  expect(asked.every(({ residual }) => residual.kind === 'body')).toBe(true);
  asked.length = 0;
  expect(await found({ kind: 'and', parts: [flagged, body] })).toEqual([4]);
  expect(asked.map(uidOf)).toEqual([3, 4]);
});

it('fails as the scanner does, and the next search goes on', async () => {
  let fails = true;
  const scanner = scanning(async (_, items) => {
    if (fails) throw new MailError('unavailable', 'the thread has died');
    return items.map(() => true);
  });
  const { engine } = stand({ scanner });
  const mailbox = await filled(await engine.open(alice, { create }), 'INBOX', 2);
  expect(await kindOf(mailbox.search(body, never))).toBe('unavailable');
  fails = false;
  expect([...(await mailbox.search(body, never)).uids]).toEqual([1, 2]);
});

it('ends with the signal while texts are read', async () => {
  const gone = new Error('the client is gone');
  const controller = new AbortController();
  const scanner = scanning((_, _items, signal) => {
    const { promise, reject } = Promise.withResolvers<readonly boolean[]>();
    signal.addEventListener('abort', () => reject(signal.reason));
    setTimeout(() => controller.abort(gone), 10);
    return promise;
  });
  const { engine } = stand({ scanner });
  const mailbox = await filled(await engine.open(alice, { create }), 'INBOX', 2);
  await expect(mailbox.search(body, controller.signal)).rejects.toBe(gone);
});
