import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { BlobId } from '../../../src/store/blobs/blob-id.ts';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import type { Disk } from '../../../src/store/blobs/disk.ts';
import { nodeDisk } from '../../../src/store/blobs/node-disk.ts';
import { ReadMemory } from '../../../src/store/blobs/read-memory.ts';
import { release } from '../../../src/store/blobs/release.ts';
import { kindOf } from '../../conformance/blobs.ts';
import fc from '../../support/fast-check.ts';
import { contentOf, joined } from './content.ts';
import { fileOf, temporaryDirectory } from './folder.ts';
import { PowerLossDisk, systemError } from './power-loss-disk.ts';

const KB = 1024;
const FRAME = 256 * KB;
const PIECE = 64 * KB;

/** A disk that notes what reading asks of it. */
function watched(disk: Disk): Disk & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    ...disk,
    calls,
    openRead: path => noted('openRead', disk.openRead(path)),
    read: (...given) => noted('read', disk.read(...given)),
    readSome: (...given) => noted('readSome', disk.readSome(...given)),
    size: file => noted('size', disk.size(file)),
    close: file => noted('close', disk.close(file)),
  };
  function noted<T>(name: string, answer: Promise<T>): Promise<T> {
    calls.push(name);
    return answer;
  }
}

async function kept(content: Buffer, { disk = nodeDisk, memory = new ReadMemory() } = {}) {
  const directory = temporaryDirectory();
  const blobs = await openDirectoryBlobs({ directory, disk, memory });
  const { id } = await blobs.put([content]);
  return { blobs, id, file: fileOf(directory, id) };
}

const piece = (blobs: Blobs, id: BlobId, start: number, end: number) => joined(blobs.read(id, { start, end }));

describe('a short blob', () => {
  it.each([
    ['text', 0],
    ['noise', 3000],
    ['text', 18 * KB],
    ['text', FRAME],
    ['noise', 60 * KB],
    ['noise', FRAME],
  ] as const)('of %s, %d octets, is opened, read and closed, and no more', async (kind, size) => {
    const disk = watched(nodeDisk);
    const content = contentOf(kind, size);
    const { blobs, id } = await kept(content, { disk });
    disk.calls.length = 0;
    expect((await piece(blobs, id, 0, size)).equals(content)).toBe(true);
    expect(disk.calls).toEqual(['openRead', 'readSome', 'close']);
  });

  it('is read all the same from a disk that gives a part at a time', async () => {
    for (const most of [0, 1, 15, 16, 100, 5000]) {
      const disk = {
        ...nodeDisk,
        readSome: (...[file, into, position]: Parameters<Disk['readSome']>) =>
          nodeDisk.readSome(file, into.subarray(0, most), position),
      };
      const content = contentOf('text', 18 * KB);
      const { blobs, id } = await kept(content, { disk });
      expect((await joined(blobs.read(id))).equals(content)).toBe(true);
    }
  });

  it('gives chunks that are not touched by later reads', async () => {
    const memory = new ReadMemory();
    const kinds = ['noise', 'text', 'mixed'] as const;
    const all = await Promise.all(kinds.map(kind => kept(contentOf(kind, 50 * KB), { memory })));
    const chunks: Uint8Array[] = [];
    for (const { blobs, id } of all) {
      for await (const chunk of blobs.read(id)) chunks.push(chunk);
      for await (const chunk of blobs.read(id, { end: 3000 })) chunks.push(chunk);
    }
    const expected = kinds.flatMap(kind => [contentOf(kind, 50 * KB), contentOf(kind, 3000)]);
    expect(chunks.map((chunk, index) => expected[index]?.equals(chunk))).toEqual(Array(6).fill(true));
  });
});

describe('a blob read in pieces', () => {
  it.each(['text', 'noise', 'mixed'] as const)(
    'of %s is read from the disk once, a frame at a time, without its table',
    async kind => {
      const disk = watched(nodeDisk);
      const memory = new ReadMemory();
      const content = contentOf(kind, 5 * FRAME + 100_000);
      const { blobs, id, file } = await kept(content, { disk, memory });
      const first = await piece(blobs, id, 0, PIECE);
      const got = [first];
      disk.calls.length = 0;
      for (let at = PIECE; at < content.length; at += PIECE) got.push(await piece(blobs, id, at, at + PIECE));
      expect(Buffer.concat(got).equals(content)).toBe(true);
      expect(disk.calls).toEqual(Array(5).fill(['openRead', 'read', 'close']).flat());
      expect(memory.known(file)).toBeUndefined();
    },
  );

  it('gives the right octets whatever the pieces, when several are read in turn and chunks are written to', async () => {
    const part = fc.record({ which: fc.nat(2), start: fc.nat(800_000), length: fc.nat(300_000) });
    const memory = new ReadMemory(1_200_000);
    const contents = (['text', 'noise', 'mixed'] as const).map(kind => contentOf(kind, 790_000));
    const all = await Promise.all(contents.map(async content => kept(content, { memory })));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 8 }), fc.boolean(), async (parts, together) => {
        const read = async ({ which, start, length }: (typeof parts)[number]) => {
          const at = all[which];
          const content = contents[which];
          if (!at || !content) throw new RangeError(`there is no ${which}`);
          const got: Buffer[] = [];
          for await (const chunk of at.blobs.read(at.id, { start, end: start + length })) {
            got.push(Buffer.from(chunk));
            // It is the caller's: to write to, and to give back.
            chunk.fill(0);
            release(chunk);
          }
          expect(Buffer.concat(got).equals(content.subarray(start, start + length))).toBe(true);
        };
        if (together) await Promise.all(parts.map(read));
        else for (const each of parts) await read(each);
      }),
      { numRuns: 60 },
    );
  });

  it('is missing once deleted, also when a part was remembered, and when it went while a part was read', async () => {
    let meanwhile = async () => {};
    const disk: Disk = {
      ...nodeDisk,
      read: async (...given) => {
        await meanwhile();
        return nodeDisk.read(...given);
      },
    };
    const content = contentOf('text', 2 * FRAME);
    const { blobs, id } = await kept(content, { disk });
    const other = await blobs.put([content]);
    for (const at of [0, PIECE]) await piece(blobs, id, at, at + PIECE);
    await blobs.delete(id);
    for (const at of [0, PIECE, 2 * PIECE, FRAME]) {
      expect(await kindOf(piece(blobs, id, at, at + PIECE))).toBe('missing');
    }
    meanwhile = async () => {
      meanwhile = async () => {};
      await blobs.delete(other.id);
    };
    const got = await piece(blobs, other.id, FRAME, FRAME + PIECE);
    expect(got.equals(content.subarray(FRAME, FRAME + PIECE))).toBe(true);
    expect(await kindOf(piece(blobs, other.id, FRAME + PIECE, FRAME + 2 * PIECE))).toBe('missing');
  });

  it('is found out to be damaged where it is read again, and by reading all of it', async () => {
    const content = contentOf('text', 2 * FRAME);
    const { blobs, id, file } = await kept(content);
    await piece(blobs, id, 0, PIECE);
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    bad.fill(0, bad.length - 2000, bad.length - 1900);
    writeFileSync(file, bad);
    // Read when it was good.
    expect((await piece(blobs, id, 10, PIECE)).equals(content.subarray(10, PIECE))).toBe(true);
    expect(await kindOf(piece(blobs, id, FRAME, FRAME + 1))).toBe('damaged');
    // And from then on nothing of it is believed without the file.
    const worse = Buffer.from(good).fill(0, 20, 40);
    writeFileSync(file, worse);
    expect(await kindOf(piece(blobs, id, 10, PIECE))).toBe('damaged');
    writeFileSync(file, good);
    await piece(blobs, id, 0, PIECE);
    writeFileSync(file, worse);
    expect(await kindOf(joined(blobs.read(id)))).toBe('damaged');
    expect(await kindOf(piece(blobs, id, 0, PIECE))).toBe('damaged');
  });
});

describe('memory of reads', () => {
  const layout = { size: 10 * FRAME, sha256: new Uint8Array(32), frameSize: FRAME, frames: [] };
  const known = { layout, stored: 1 };

  it('holds no more than it may, and gives back what it lets go', () => {
    const memory = new ReadMemory(4 * FRAME);
    const contents = Array.from({ length: 20 }, (_, n) => Buffer.alloc(FRAME - 2000, n));
    for (const [n, content] of contents.entries()) memory.keep(`/${n}`, known, 0, { index: n, content });
    const held = contents.filter(({ buffer }) => buffer.byteLength > 0);
    expect(held).toEqual(contents.slice(-4));
    expect(memory.copy('/19', 19, 5, 8)).toEqual(Buffer.from([19, 19, 19]));
    expect(memory.copy('/19', 18, 5, 8)).toBeUndefined();
    expect(memory.copy('/0', 0, 5, 8)).toBeUndefined();
    memory.drop('/18');
    memory.keep('/19', known, 0);
    expect(contents.slice(16).map(({ buffer }) => buffer.byteLength > 0)).toEqual([true, true, false, false]);
    expect(memory.known('/19')).toBeDefined();
    expect(memory.known('/18')).toBeUndefined();
  });

  it('takes nothing that was begun before something was forgotten', () => {
    const memory = new ReadMemory();
    const { forgotten } = memory;
    memory.forget('/1');
    memory.keep('/1', known, forgotten);
    expect(memory.known('/1')).toBeUndefined();
    memory.keep('/1', known, memory.forgotten);
    expect(memory.known('/1')).toBeDefined();
  });

  it('reuses a few buffers', () => {
    const memory = new ReadMemory();
    const taken = Array.from({ length: 6 }, () => memory.takeBuffer());
    expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(6);
    for (const buffer of taken) memory.giveBuffer(buffer);
    expect(taken.map(({ buffer }) => buffer.byteLength > 0)).toEqual([true, true, true, true, false, false]);
    expect(taken).toContain(memory.takeBuffer());
  });
});

describe('files that were read', () => {
  const open = (disk: Disk) => openDirectoryBlobs({ directory: '/blobs', disk });
  const turns = () => new Promise(resolve => setTimeout(resolve, 5));

  it('are closed though the last chunk is not taken any further, and however reading ends', async () => {
    for (const size of [18 * KB, FRAME + 1, 3 * FRAME]) {
      const disk = new PowerLossDisk();
      const blobs = await open(disk);
      const { id } = await blobs.put([contentOf('noise', size)]);
      const all = blobs.read(id)[Symbol.asyncIterator]();
      for (let at = 0; at < size; at += FRAME) await all.next();
      await turns();
      expect(disk.held).toBe(0);
      for await (const _ of blobs.read(id)) break;
      const abort = new AbortController();
      const aborted = (async () => {
        for await (const _ of blobs.read(id, {}, abort.signal)) abort.abort(new Error('gone'));
      })();
      if (size > FRAME) await expect(aborted).rejects.toThrow('gone');
      await turns();
      expect(disk.held).toBe(0);
    }
  });

  it('are closed by the time the blobs are, and what went wrong is told there', async () => {
    const disk = new PowerLossDisk();
    const blobs = await open(disk);
    const { id } = await blobs.put([Buffer.from('some')]);
    disk.interference = {
      before: step => {
        if (step.startsWith('close')) throw systemError('EIO', step);
      },
    };
    expect(String(await joined(blobs.read(id)))).toBe('some');
    expect(await kindOf(blobs.close())).toBe('failed');
    expect(disk.steps.at(-1)).toMatch(/^close/);
    await blobs.close();
  });

  it('are closed when they cannot be read', async () => {
    for (const failing of ['readSome', 'read', 'size'] as const) {
      const disk = new PowerLossDisk();
      const memory = new ReadMemory();
      const blobs = await openDirectoryBlobs({ directory: '/blobs', disk, memory });
      const { id } = await blobs.put([contentOf('noise', 2 * FRAME)]);
      const buffer = memory.takeBuffer();
      memory.giveBuffer(buffer);
      const failed = () => Promise.reject(systemError('EIO', 'bad sector'));
      if (failing === 'size') disk.size = failed;
      else disk[failing] = failed;
      expect(await kindOf(joined(blobs.read(id)))).toBe('failed');
      await turns();
      expect(disk.held).toBe(0);
      expect(memory.takeBuffer() === buffer).toBe(true);
    }
  });
});
