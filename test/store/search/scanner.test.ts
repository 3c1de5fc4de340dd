import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccountId } from '../../../src/mail/ids.ts';
import type { Query } from '../../../src/mail/query.ts';
import { newBlobId } from '../../../src/store/blobs/blob-id.ts';
import { placeOf } from '../../../src/store/blobs/blob-places.ts';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { openScanner, type ScanItem, type Scanner } from '../../../src/store/search/scanner.ts';
import { MadeMessage } from './made-message.ts';

const ACCOUNT = 'account' as AccountId;
const body = (text: string): Query => ({ kind: 'body', text });
const going = () => new AbortController().signal;

describe('the search threads', () => {
  let folder: string;
  let blobs: Blobs;
  let scanner: Scanner;
  const unreadable: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-scan-'));
    blobs = await openDirectoryBlobs({ directory: folder });
    scanner = openScanner({
      directoryOf: () => folder,
      threads: 2,
      onUnreadable: (account, blob, reason) => unreadable.push(`${account} ${blob} ${reason}`),
    });
  });

  afterAll(async () => {
    await scanner.close();
    await blobs.close();
    rmSync(folder, { recursive: true });
  });

  async function kept(message: string | Buffer, residual: Query, withHeader = true): Promise<ScanItem> {
    const made = new MadeMessage(message);
    const { id } = await blobs.put([made.octets]);
    return { content: { blob: id, layout: made.layout, header: withHeader ? made.header : undefined }, residual };
  }

  it('answer in the order of the items', async () => {
    const odd = body('odd one');
    const six: Query = { kind: 'text', text: 'number 6' };
    const items = await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        kept(`Subject: number ${n}\r\n\r\n${n % 2 ? 'odd' : 'even'} one\r\n`, n < 400 ? odd : six, n % 3 > 0),
      ),
    );
    const found = await scanner.scan(ACCOUNT, items, going());
    expect(found).toEqual(items.map((_, n) => (n < 400 ? n % 2 === 1 : false)));
    const [third] = await Promise.all([
      scanner.scan(ACCOUNT, items.slice(395, 405), going()),
      scanner.scan(ACCOUNT, items, going()),
    ]);
    expect(third).toEqual([true, false, true, false, true, false, false, false, false, false]);
    expect(await scanner.scan(ACCOUNT, [], going())).toEqual([]);
  });

  it('read large texts from frame to frame', async () => {
    const large = await kept(
      Buffer.concat([Buffer.from('X: y\r\n\r\n'), Buffer.alloc(3_000_000, 'abc '), Buffer.from('needle')]),
      body('needle'),
    );
    expect(await scanner.scan(ACCOUNT, [large, { ...large, residual: body('nothing') }], going())).toEqual([
      true,
      false,
    ]);
  });

  it('go on past a message that is gone or cannot be read, and tell of it', async () => {
    const good = await kept('\r\nneedle', body('needle'));
    const gone = {
      ...good,
      content: { ...good.content, blob: newBlobId(Date.now(), octets => Buffer.alloc(octets, 7)) },
    };
    const broken = await kept('\r\nneedle', body('needle'));
    writeFileSync(placeOf(folder, broken.content.blob).file, 'damage'.repeat(100));
    const oddLayout = { ...good, content: { ...good.content, layout: Buffer.from([9, 9, 9]) } };
    unreadable.length = 0;
    expect(await scanner.scan(ACCOUNT, [gone, good, broken, oddLayout, good], going())).toEqual([
      false,
      true,
      false,
      false,
      true,
    ]);
    expect(unreadable).toHaveLength(3);
    expect(unreadable[0]).toContain(`account ${gone.content.blob} there is no blob`);
  });

  it('stop when nobody waits any more', async () => {
    const item = await kept(Buffer.concat([Buffer.from('\r\n'), Buffer.alloc(20_000_000, 'abc ')]), body('needle'));
    const leaving = new AbortController();
    const reason = new Error('the client is gone');
    const scan = scanner.scan(ACCOUNT, new Array<ScanItem>(2000).fill(item), leaving.signal);
    setTimeout(() => leaving.abort(reason), 50);
    await expect(scan).rejects.toBe(reason);
    await expect(scanner.scan(ACCOUNT, [item], leaving.signal)).rejects.toBe(reason);
    expect(await scanner.scan(ACCOUNT, [await kept('\r\nneedle', body('needle'))], going())).toEqual([true]);
  });

  it('fail the batch that nobody can answer', async () => {
    const item = await kept('\r\nneedle', body('needle'));
    const unanswerable = { ...item, residual: { kind: 'all' } as const };
    await expect(scanner.scan(ACCOUNT, [unanswerable], going())).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await scanner.scan(ACCOUNT, [item], going())).toEqual([true]);
  });

  it('are replaced when one dies, which only those notice who waited for it', async () => {
    const mortal = openScanner({ directoryOf: () => folder, entry: new URL('./mortal-thread.ts', import.meta.url) });
    const item = await kept('\r\nneedle', body('needle'));
    const dies = mortal.scan(ACCOUNT, [{ ...item, residual: body('die') }], going());
    const waits = mortal.scan(ACCOUNT, [item], going());
    await expect(dies).rejects.toMatchObject({ kind: 'unavailable', message: 'a search thread ended' });
    expect(await waits).toEqual([true]);
    const throws = mortal.scan(ACCOUNT, [{ ...item, residual: body('throw') }], going());
    await expect(throws).rejects.toMatchObject({ kind: 'unavailable', message: 'a search thread ended' });
    expect(await mortal.scan(ACCOUNT, [item], going())).toEqual([true]);
    await mortal.close();
  });

  it('answer nothing once closed', async () => {
    const closing = openScanner({ directoryOf: () => folder });
    const item = await kept(Buffer.alloc(20_000_000, '\r\nabc '), body('needle'));
    const running = closing.scan(ACCOUNT, [item, item, item, item], going());
    const ended = expect(running).rejects.toMatchObject({ kind: 'unavailable' });
    await new Promise(resolve => setTimeout(resolve, 100));
    await closing.close();
    await ended;
    await expect(closing.scan(ACCOUNT, [item], going())).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
