import { rmSync, truncateSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { MailError } from '../../../src/mail/mail-error.ts';
import type { ContentHandle, NewMessage } from '../../../src/mail/message.ts';
import { placeOf } from '../../../src/store/blobs/blob-places.ts';
import { BlobError, type BlobErrorKind } from '../../../src/store/blobs/blobs.ts';
import { isStoredContent } from '../../../src/store/engine/stored-content.ts';
import {
  add,
  each,
  filled,
  kindOf,
  letter,
  message,
  never,
  only,
  rowsOf,
  textOf,
} from '../../conformance/store/session.ts';
import { alice, blobFolder, ownDirectory, stand, standOn } from './engine-stand.ts';
import { interposed } from './interposed.ts';

const create = { mailboxes: [] };

/** Looks like a message, and notes whether anybody pulled it. */
function watched(size: number): { readonly pulled: () => boolean; readonly message: NewMessage } {
  let pulled = false;
  async function* source() {
    pulled = true;
    yield Buffer.alloc(size, 'x');
  }
  return { pulled: () => pulled, message: { ...message(''), size, source: source() } };
}

it('refuses a message that is too large before it pulls, and takes the largest', async () => {
  const { engine } = stand({}, { messageMost: 1000 });
  const store = await engine.open(alice, { create });
  const [fits, large] = [watched(1000), watched(1001)];
  await add(store, 'INBOX', fits.message);
  expect(await kindOf(add(store, 'INBOX', letter(1), large.message))).toBe('too-big');
  expect(large.pulled()).toBe(false);
  expect((await store.status('INBOX')).exists).toBe(1);
});

it('asks for room before it pulls', async () => {
  const asked: number[] = [];
  const { engine } = stand({
    async room(account, octets) {
      expect(account).toBe(alice);
      asked.push(octets);
      if (octets > 100) throw new MailError('over-quota', 'no room for that');
    },
  });
  const store = await engine.open(alice, { create });
  const large = watched(101);
  await add(store, 'INBOX', watched(100).message);
  expect(await kindOf(add(store, 'INBOX', large.message))).toBe('over-quota');
  expect([asked, large.pulled()]).toEqual([[100, 101], false]);
});

it('takes so many messages at once and no more', async () => {
  const { engine } = stand({}, { appendMost: 3 });
  const store = await engine.open(alice, { create });
  const letters = (count: number) => Array.from({ length: count }, (_, n) => letter(n));
  await add(store, 'INBOX', ...letters(3));
  expect(await kindOf(add(store, 'INBOX', ...letters(4)))).toBe('limit');
  expect((await store.status('INBOX')).exists).toBe(3);
});

it('says of an append to a mailbox that is deleted meanwhile that there is none', async () => {
  const { engine } = stand();
  const store = await engine.open(alice, { create });
  await store.edit({ kind: 'create', name: 'a' });
  async function* messages() {
    yield letter(1);
    await store.edit({ kind: 'delete', name: 'a' });
  }
  expect(await kindOf(store.append('a', messages(), never))).toBe('no-target');
});

it('ends an append whose client says nothing more when the signal does', async () => {
  const { engine } = stand();
  const store = await engine.open(alice, { create });
  const controller = new AbortController();
  const gone = new Error('the client is gone');
  let left = false;
  const stuck: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      async return() {
        left = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const appending = store.append('INBOX', each([{ ...letter(1), source: stuck }]), controller.signal);
  setTimeout(() => controller.abort(gone), 20);
  await expect(appending).rejects.toBe(gone);
  expect(left).toBe(true);
});

it.each<[BlobErrorKind, string]>([
  ['full', 'no-space'],
  ['forbidden', 'unavailable'],
  ['busy', 'unavailable'],
  ['failed', 'unavailable'],
])('says what blobs that are "%s" mean for an append: %s', async (kind, expected) => {
  const directory = ownDirectory();
  const plain = standOn(directory);
  const { engine, close } = standOn(directory, {
    blobs: async account =>
      interposed(await plain.parts.blobs(account), {
        before(method) {
          if (method === 'put') throw new BlobError(kind, 'as told');
        },
      }),
  });
  onTestFinished(async () => {
    await close();
    await plain.close();
  });
  const store = await engine.open(alice, { create });
  expect(await kindOf(add(store, 'INBOX', letter(1)))).toBe(expected);
  expect((await store.status('INBOX')).exists).toBe(0);
});

it('tells a header without the blob, and that a text which is missing or damaged cannot be read', async () => {
  const directory = ownDirectory();
  const { engine, close } = standOn(directory);
  onTestFinished(() => close());
  const store = await engine.open(alice, { create });
  const mailbox = await filled(store, 'INBOX', 3);
  const fileOf = (handle: ContentHandle | undefined) => {
    if (!handle || !isStoredContent(handle)) throw new Error('no handle of the engine');
    return placeOf(blobFolder(directory, alice), handle.blob).file;
  };
  const [missing, short, whole] = await rowsOf(mailbox);
  rmSync(fileOf(missing?.content));
  truncateSync(fileOf(short?.content), 60);
  for (const uid of [1, 2]) {
    expect(await kindOf(textOf(mailbox, uid))).toBe('damaged');
    expect(await textOf(mailbox, uid, { path: [], want: { kind: 'header' } })).toBe(`Subject: ${uid}\r\n\r\n`);
    const names = ['subject'];
    const fields = { path: [], want: { kind: 'fields' as const, names, except: false } };
    expect(await textOf(mailbox, uid, fields)).toBe(`Subject: ${uid}\r\n\r\n`);
  }
  expect(whole?.uid).toBe(3);
  expect(await textOf(mailbox, 3)).toContain('Text of 3');
});

it('never gives fewer octets than it promised', async () => {
  const { engine } = stand();
  const store = await engine.open(alice, { create });
  const mailbox = await filled(store, 'INBOX', 1);
  const [row] = await rowsOf(mailbox, only(1));
  if (!row || !isStoredContent(row.content)) throw new Error('no handle of the engine');
  const longer = { ...row.content, size: row.content.size + 5 };
  const content = await mailbox.content(longer, { path: [], want: { kind: 'all' } }, never);
  const read = async () => {
    for await (const _ of content?.read() ?? []);
  };
  expect(await kindOf(read())).toBe('damaged');
  const bad = { ...row.content, layout: Buffer.from('no layout') };
  expect(await kindOf(mailbox.content(bad, { path: [1], want: { kind: 'all' } }, never))).toBe('damaged');
  await expect(mailbox.content({}, { path: [], want: { kind: 'all' } }, never)).rejects.toThrow(TypeError);
});

it('keeps a header in the index up to its limit, and reads a longer one from the blob', async () => {
  const { engine } = stand({}, { headerMost: 1000 });
  const store = await engine.open(alice, { create });
  const header = (octets: number) => `Subject: ${'x'.repeat(octets - 13)}\r\n\r\n`;
  for (const octets of [999, 1000, 1001]) {
    for (const chunk of [1, 7, 10_000]) await add(store, 'INBOX', message(`${header(octets)}text`, { chunk }));
  }
  // One that never ends.
  await add(store, 'INBOX', message('Subject: no end', { chunk: 4 }));
  const mailbox = await store.open('INBOX', true);
  const rows = await rowsOf(mailbox);
  expect(rows.map(row => row.header?.length)).toEqual([
    999,
    999,
    999,
    1000,
    1000,
    1000,
    ...Array(3).fill(undefined),
    15,
  ]);
  expect(await textOf(mailbox, 7, { path: [], want: { kind: 'header' } })).toBe(header(1001));
  expect(await textOf(mailbox, 7, { path: [], want: { kind: 'text' } })).toBe('text');
});
