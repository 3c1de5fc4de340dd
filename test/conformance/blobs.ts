import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BlobId, blobTime, isBlobId } from '../../src/store/blobs/blob-id.ts';
import { BlobError, type BlobRange, type Blobs } from '../../src/store/blobs/blobs.ts';
import { contentOf, inChunks, joined } from '../store/blobs/content.ts';
import fc from '../support/fast-check.ts';

/** Blobs made for one run of the suite, empty at first. */
export interface BlobsSubject {
  /** The same blobs as a process would see them that starts now; what was opened before is closed by then. */
  open(): Promise<Blobs>;
  /** Ends whatever is behind them. */
  close(): Promise<void>;
}

const FRAME = 256 * 1024;

/** What every `Blobs` does. @param make makes a subject; called once */
export function blobsConformance(name: string, make: () => Promise<BlobsSubject>): void {
  describe(`${name} keeps blobs`, () => {
    let subject: BlobsSubject;
    let blobs: Blobs;
    const read = async (id: BlobId, range?: BlobRange) => joined(blobs.read(id, range));
    const ids = async (olderThan?: number) => {
      const all: BlobId[] = [];
      for await (const page of blobs.list(olderThan === undefined ? {} : { olderThan })) all.push(...page);
      return all;
    };

    beforeAll(async () => {
      subject = await make();
      blobs = await subject.open();
    });

    afterAll(async () => {
      await blobs?.close();
      await subject?.close();
    });

    it.each([
      0,
      1,
      4095,
      4096,
      4097,
      65_535,
      65_536,
      65_537,
      FRAME - 1,
      FRAME,
      FRAME + 1,
      2 * FRAME - 1,
      2 * FRAME,
      2 * FRAME + 1,
      5 * FRAME + 12_345,
    ])('gives back %d octets of text, of noise, and of both', async size => {
      for (const kind of ['text', 'noise', 'mixed'] as const) {
        const content = contentOf(kind, size);
        const kept = await blobs.put(inChunks(content, 50_000), { size });
        expect(kept.size).toBe(size);
        expect(Buffer.from(kept.sha256)).toEqual(createHash('sha256').update(content).digest());
        expect(kept.stored).toBeLessThan(size + 1000);
        expect((await read(kept.id)).equals(content)).toBe(true);
        expect(await blobs.stat(kept.id)).toEqual(kept);
      }
    });

    it('gives back any range of any content, however it arrived', async () => {
      const range = fc.record({ start: fc.nat(1_000_000), end: fc.option(fc.nat(1_000_000), { nil: undefined }) });
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('text' as const, 'noise' as const, 'mixed' as const),
          fc.oneof(fc.nat(3000), fc.integer({ min: 2 * FRAME - 3, max: 2 * FRAME + 3 }), fc.nat(900_000)),
          fc.oneof(fc.integer({ min: 3000, max: 400_000 }), fc.constant(FRAME)),
          fc.array(range, { minLength: 1, maxLength: 6 }),
          async (kind, size, chunk, ranges) => {
            const content = contentOf(kind, size);
            const { id } = await blobs.put(inChunks(content, chunk));
            for (const { start, end } of ranges) {
              const got = await read(id, end === undefined ? { start } : { start, end });
              expect(got.equals(content.subarray(start, Math.max(start, end ?? size)))).toBe(true);
            }
            await blobs.delete(id);
          },
        ),
        { numRuns: 60 },
      );
    });

    it('reads ranges that begin and end at frames', async () => {
      const content = contentOf('mixed', 4 * FRAME);
      const { id } = await blobs.put([content]);
      const edges = [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 4 * FRAME - 1, 4 * FRAME, 4 * FRAME + 1];
      for (const start of edges) {
        for (const end of edges.filter(edge => edge >= start)) {
          expect((await read(id, { start, end })).equals(content.subarray(start, end))).toBe(true);
        }
      }
    });

    it('refuses ranges that are none', async () => {
      const { id } = await blobs.put([Buffer.from('x')]);
      for (const range of [{ start: -1 }, { end: -1 }, { start: Number.NaN }, { start: 0.5 }]) {
        await expect(read(id, range)).rejects.toThrow(RangeError);
      }
    });

    it('copies what it is given before it asks for more', async () => {
      const reused = Buffer.alloc(10_000);
      async function* source() {
        for (let n = 0; n < 100; n += 1) yield reused.fill(n);
      }
      const { id } = await blobs.put(source());
      const got = await read(id);
      expect(Array.from({ length: 100 }, (_, n) => got[n * 10_000 + 5000])).toEqual([...Array(100).keys()]);
    });

    it('gives every blob an id of its own, dated when it was complete, also for the same content', async () => {
      const before = Date.now();
      const kept = await Promise.all(Array.from({ length: 20 }, () => blobs.put([Buffer.from('the same')])));
      expect(new Set(kept.map(({ id }) => id)).size).toBe(20);
      for (const { id } of kept) {
        expect(isBlobId(id)).toBe(true);
        expect(blobTime(id)).toBeGreaterThanOrEqual(before);
        expect(blobTime(id)).toBeLessThanOrEqual(Date.now());
      }
      const gate = Promise.withResolvers<void>();
      async function* slow() {
        yield Buffer.from('first');
        await gate.promise;
        yield Buffer.from('last');
      }
      const slowly = blobs.put(slow());
      await new Promise(resolve => setTimeout(resolve, 20));
      const opened = Date.now();
      gate.resolve();
      expect(blobTime((await slowly).id)).toBeGreaterThanOrEqual(opened);
    });

    it('keeps nothing of a source with more or fewer octets than announced', async () => {
      const had = await ids();
      for (const size of [0, 9, 11, 10 * FRAME]) {
        expect(await kindOf(blobs.put([Buffer.from('0123456789')], { size }))).toBe('size');
      }
      expect(await kindOf(blobs.put(inChunks(contentOf('text', 3 * FRAME), 1000), { size: 3 * FRAME - 1 }))).toBe(
        'size',
      );
      expect(await ids()).toHaveLength(had.length);
    });

    it('keeps nothing of a source that fails, and says what the source said', async () => {
      const had = await ids();
      async function* failing(size: number) {
        yield contentOf('text', size);
        throw new Error('the client is gone');
      }
      for (const size of [10, 3 * FRAME]) await expect(blobs.put(failing(size))).rejects.toThrow('the client is gone');
      expect(await ids()).toHaveLength(had.length);
    });

    it('stops a put when the signal does, also while the source keeps it waiting, and lets the source go', async () => {
      const had = await ids();
      const gone = new Error('the client is gone');
      await expect(blobs.put([Buffer.from('x')], { signal: AbortSignal.abort(gone) })).rejects.toBe(gone);
      for (const size of [10, 3 * FRAME]) {
        const controller = new AbortController();
        let returned = false;
        const stuck = {
          [Symbol.asyncIterator]: () => {
            let pulls = 0;
            return {
              next: () => {
                pulls += 1;
                if (pulls === 1) return Promise.resolve({ done: false as const, value: contentOf('text', size) });
                setImmediate(() => controller.abort(gone));
                return new Promise<never>(() => {});
              },
              return: async () => {
                returned = true;
                return { done: true as const, value: undefined };
              },
            };
          },
        };
        await expect(blobs.put(stuck, { signal: controller.signal })).rejects.toBe(gone);
        expect(returned).toBe(true);
      }
      expect(await ids()).toHaveLength(had.length);
    });

    it('stops a read and a list when the signal does', async () => {
      const { id } = await blobs.put([contentOf('noise', 3 * FRAME)]);
      const controller = new AbortController();
      const gone = new Error('the client is gone');
      const readOn = async () => {
        for await (const _ of blobs.read(id, {}, controller.signal)) controller.abort(gone);
      };
      await expect(readOn()).rejects.toBe(gone);
      const listOn = async () => {
        for await (const _ of blobs.list({ signal: controller.signal })) throw new Error('listed all the same');
      };
      await expect(listOn()).rejects.toBe(gone);
    });

    it('says that a blob is missing', async () => {
      const { id } = await blobs.put([Buffer.from('soon gone')]);
      await blobs.delete(id);
      expect(await kindOf(read(id))).toBe('missing');
      expect(await blobs.stat(id)).toBeUndefined();
      await blobs.delete(id);
      await Promise.all([blobs.delete(id), blobs.delete(id)]);
    });

    it('deletes one blob and no other', async () => {
      const kept = await Promise.all(Array.from({ length: 10 }, (_, n) => blobs.put([Buffer.from(`blob ${n}`)])));
      await Promise.all(kept.filter((_, n) => n % 2 === 0).map(({ id }) => blobs.delete(id)));
      for (const [n, { id }] of kept.entries()) {
        if (n % 2 === 0) expect(await kindOf(read(id))).toBe('missing');
        else expect(String(await read(id))).toBe(`blob ${n}`);
      }
    });

    it('finishes a read of a blob that is deleted meanwhile', async () => {
      const content = contentOf('mixed', 5 * FRAME);
      const { id } = await blobs.put([content]);
      const chunks: Uint8Array[] = [];
      for await (const chunk of blobs.read(id)) {
        if (chunks.length === 0) await blobs.delete(id);
        chunks.push(chunk);
      }
      expect(Buffer.concat(chunks).equals(content)).toBe(true);
      expect(await kindOf(read(id))).toBe('missing');
    });

    it('keeps many at once apart, while others are read and deleted', async () => {
      const work = Array.from({ length: 120 }, async (_, n) => {
        const content = Buffer.concat([Buffer.from(`${n}:`), contentOf('mixed', (n * 7919) % 300_000)]);
        const { id } = await blobs.put(inChunks(content, 30_000));
        expect((await read(id)).equals(content)).toBe(true);
        if (n % 3 === 0) await blobs.delete(id);
        return { id, there: n % 3 !== 0 };
      });
      const listed = new Set(await ids());
      const all = await Promise.all(work);
      const after = new Set(await ids());
      expect(all.filter(({ id, there }) => after.has(id) !== there)).toEqual([]);
      expect(listed.size).toBeGreaterThan(0);
    });

    it('lists every blob once, in pages, and only those that are old enough', async () => {
      for (const id of await ids()) await blobs.delete(id);
      const early = await Promise.all(Array.from({ length: 25 }, () => blobs.put([Buffer.from('early')])));
      await new Promise(resolve => setTimeout(resolve, 5));
      const between = Date.now();
      await new Promise(resolve => setTimeout(resolve, 5));
      const late = await blobs.put([Buffer.from('late')]);
      const pages: number[] = [];
      const seen: BlobId[] = [];
      for await (const page of blobs.list({ pageSize: 10 })) {
        pages.push(page.length);
        seen.push(...page);
      }
      expect(pages).toEqual([10, 10, 6]);
      expect(seen.sort()).toEqual([...early, late].map(({ id }) => id).sort());
      expect((await ids(between)).sort()).toEqual(early.map(({ id }) => id).sort());
      expect(await ids(0)).toEqual([]);
      for await (const page of blobs.list({ pageSize: 10 })) for (const id of page) await blobs.delete(id);
      expect(await ids()).toEqual([]);
    });

    it('has everything after it was closed and opened again, and takes nothing once closed', async () => {
      const content = contentOf('mixed', 2 * FRAME + 5);
      const { id } = await blobs.put([content]);
      const gone = await blobs.put([content]);
      await blobs.delete(gone.id);
      const running = blobs.put(inChunks(content, 100_000));
      await blobs.close();
      const late = await running;
      expect(await kindOf(blobs.put([content]))).toBe('closed');
      expect(await kindOf(read(id))).toBe('closed');
      blobs = await subject.open();
      expect((await read(id)).equals(content)).toBe(true);
      expect((await read(late.id)).equals(content)).toBe(true);
      expect(await blobs.stat(gone.id)).toBeUndefined();
    });
  });
}

/** The kind of the BlobError a promise ends in. @throws when it ends in another error */
export async function kindOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof BlobError) return error.kind;
    throw error;
  }
  return 'no error';
}
