import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type BlobId, isBlobId } from '../../../src/store/blobs/blob-id.ts';
import type { BlobRange, Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { nodeDisk } from '../../../src/store/blobs/node-disk.ts';
import { kindOf } from '../../conformance/blobs.ts';
import fc from '../../support/fast-check.ts';
import { contentOf, joined } from './content.ts';
import { fileOf, temporaryDirectory } from './folder.ts';

const FRAME = 256 * 1024;

interface Kept {
  readonly blobs: Blobs;
  readonly id: BlobId;
  readonly file: string;
  readonly good: Buffer;
}

async function kept(content: Buffer, directory = temporaryDirectory()): Promise<Kept> {
  const blobs = await openDirectoryBlobs({ directory });
  const { id } = await blobs.put([content]);
  const file = fileOf(directory, id);
  return { blobs, id, file, good: readFileSync(file) };
}

const reading = (blobs: Blobs, id: BlobId, range?: BlobRange) => kindOf(joined(blobs.read(id, range)));

describe('a damaged blob', () => {
  it.each([
    ['nothing', contentOf('text', 0)],
    ['a short text', contentOf('text', 300)],
    ['a compressed frame', contentOf('text', 20_000)],
    ['compressed and raw frames', contentOf('mixed', 4 * FRAME + 17)],
  ])('of %s is found out whichever octet is wrong', async (_, content) => {
    const { blobs, id, file, good } = await kept(content);
    const everyOctet = good.length < 500;
    const offsets = everyOctet ? [...good.keys()] : fc.sample(fc.nat(good.length - 1), 60);
    for (const offset of [...offsets, 0, 9, 15, good.length - 1, good.length - 68, good.length - 72]) {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(offset) ^ (1 << (offset % 8)), offset);
      writeFileSync(file, bad);
      expect(await reading(blobs, id)).toBe('damaged');
    }
    writeFileSync(file, good);
    expect((await joined(blobs.read(id))).equals(content)).toBe(true);
  });

  it('never gives other octets for a range, and gives those of whole frames', async () => {
    const content = contentOf('mixed', 4 * FRAME);
    const { blobs, id, file, good } = await kept(content);
    const bad = Buffer.from(good);
    bad.fill(0, 20, 40);
    writeFileSync(file, bad);
    expect(await reading(blobs, id, { start: 0, end: 1 })).toBe('damaged');
    expect(await reading(blobs, id, { start: FRAME - 1, end: FRAME })).toBe('damaged');
    const whole = await joined(blobs.read(id, { start: FRAME, end: 3 * FRAME }));
    expect(whole.equals(content.subarray(FRAME, 3 * FRAME))).toBe(true);
  });

  it('is found out when the file was cut, grown, emptied, or is that of another blob', async () => {
    const directory = temporaryDirectory();
    const { blobs, id, file, good } = await kept(contentOf('mixed', 2 * FRAME), directory);
    for (const length of [0, 1, 15, 16, 83, 84, 1000, good.length - 68, good.length - 1]) {
      writeFileSync(file, good);
      truncateSync(file, length);
      expect(await reading(blobs, id)).toBe('damaged');
      expect(await kindOf(blobs.stat(id))).toBe('damaged');
    }
    writeFileSync(file, Buffer.concat([good, Buffer.alloc(1)]));
    expect(await reading(blobs, id)).toBe('damaged');
    writeFileSync(file, Buffer.concat([good, good.subarray(good.length - 68)]));
    expect(await reading(blobs, id)).toBe('damaged');
    const other = await kept(contentOf('mixed', 2 * FRAME), directory);
    copyFileSync(other.file, file);
    expect(await reading(blobs, id)).toBe('damaged');
  });

  it('is found out when a table was made to fit: no number in it is believed by itself', async () => {
    const { blobs, id, file, good } = await kept(contentOf('text', 3 * FRAME));
    const end = good.length - 68;
    const table = end - 3 * 8;
    const numbers = fc.constantFrom(0, 1, 2, 4, FRAME, FRAME + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff);
    const places = fc.constantFrom(table, table + 4, table + 8, table + 16, end, end + 4, end + 8);
    await fc.assert(
      fc.asyncProperty(places, numbers, async (place, number) => {
        const bad = Buffer.from(good);
        bad.writeUInt32LE(number, place);
        fc.pre(!bad.equals(good));
        bad.writeUInt32LE(crc32(bad.subarray(table, end + 64)), end + 64);
        writeFileSync(file, bad);
        expect(await reading(blobs, id)).toBe('damaged');
      }),
      { numRuns: 80 },
    );
  });

  it('holds no more than it should when a frame was made to unfold without end', async () => {
    const { blobs, id, file, good } = await kept(contentOf('text', 30_000));
    const large = await kept(Buffer.alloc(FRAME));
    const end = good.length - 68;
    const stolen = large.good.subarray(16, large.good.length - 68 - 8);
    const entry = Buffer.alloc(8);
    entry.writeUInt32LE(stolen.length);
    entry.writeUInt32LE(crc32(stolen), 4);
    const bad = Buffer.concat([good.subarray(0, 16), stolen, entry, good.subarray(end)]);
    bad.writeUInt32LE(crc32(bad.subarray(bad.length - 76, bad.length - 4)), bad.length - 4);
    writeFileSync(file, bad);
    expect(await reading(blobs, id)).toBe('damaged');
  });

  it('names the blob, for the log', async () => {
    const { blobs, id, file } = await kept(contentOf('text', 300));
    truncateSync(file, 100);
    await expect(joined(blobs.read(id))).rejects.toThrow(id);
  });

  it('can be deleted', async () => {
    const { blobs, id, file } = await kept(contentOf('text', 300));
    truncateSync(file, 0);
    await blobs.delete(id);
    expect(await blobs.stat(id)).toBeUndefined();
  });
});

describe('the form of a blob', () => {
  it('of a later version is told from damage', async () => {
    const { blobs, id, file, good } = await kept(contentOf('text', 300));
    good.writeUInt8(2, 8);
    good.writeUInt32LE(crc32(good.subarray(0, 12)), 12);
    writeFileSync(file, good);
    expect(await reading(blobs, id)).toBe('newer');
  });

  it('with frames of another size can be read', async () => {
    // 64 KB of content in two raw frames of 32 KB, as another version might write it.
    const content = contentOf('noise', 65_536);
    const { blobs, id, file, good } = await kept(content);
    const header = Buffer.from(good.subarray(0, 16));
    header.writeUInt8(15, 9);
    header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
    const table = Buffer.alloc(16);
    for (const half of [0, 1]) {
      table.writeUInt32LE(0x8000_0000 + 32_768, half * 8);
      table.writeUInt32LE(crc32(content.subarray(half * 32_768, (half + 1) * 32_768)), half * 8 + 4);
    }
    const trailer = Buffer.from(good.subarray(good.length - 68));
    trailer.writeUInt32LE(2, 8);
    trailer.writeUInt32LE(crc32(Buffer.concat([table, trailer.subarray(0, 64)])), 64);
    writeFileSync(file, Buffer.concat([header, content, table, trailer]));
    expect((await joined(blobs.read(id))).equals(content)).toBe(true);
    expect(
      (await joined(blobs.read(id, { start: 40_000, end: 40_010 }))).equals(content.subarray(40_000, 40_010)),
    ).toBe(true);
  });

  it('takes the space that the content needs: text a third, noise as it is', async () => {
    const text = await kept(contentOf('text', 2_000_000));
    const noise = await kept(contentOf('noise', 2_000_000));
    const mixed = await kept(contentOf('mixed', 2_000_000));
    expect(text.good.length).toBeLessThan(2_000_000 / 3);
    expect(noise.good.length).toBe(2_000_000 + 16 + 8 * 8 + 68);
    expect(mixed.good.length).toBeLessThan(1_500_000);
  });

  it('lets a range be read from the frames it touches alone', async () => {
    const directory = temporaryDirectory();
    let octets = 0;
    const counted = (read: typeof nodeDisk.read): typeof nodeDisk.read => {
      return (...given) => {
        octets += given[1].length;
        return read(...given);
      };
    };
    const disk = { ...nodeDisk, read: counted(nodeDisk.read), readSome: counted(nodeDisk.readSome) };
    const blobs = await openDirectoryBlobs({ directory, disk });
    const { id } = await blobs.put([contentOf('noise', 3_000_000)]);
    await joined(blobs.read(id, { start: 5 * FRAME + 7, end: 5 * FRAME + 1007 }));
    expect(octets).toBeLessThan(FRAME + 5000);
    octets = 0;
    await blobs.stat(id);
    expect(octets).toBeLessThan(5000);
  });
});

describe('files of blobs', () => {
  it('are for their owner only, in folders named by time', async () => {
    const directory = temporaryDirectory();
    const { id, file } = await kept(contentOf('text', 300), `${directory}/new/blobs`);
    expect(file).toBe(`${directory}/new/blobs/${id.slice(0, 4)}/${id.slice(4, 7)}/${id}`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  });

  it('that are none of ours are neither listed nor touched', async () => {
    const directory = temporaryDirectory();
    const { blobs, id, file } = await kept(contentOf('text', 300), directory);
    const foreign = [`${dirname(file)}/notes.txt`, `${dirname(file)}/${'f'.repeat(32)}`, `${directory}/lost.txt`];
    for (const path of foreign) writeFileSync(path, 'x');
    mkdirSync(`${directory}/lost+found`);
    const listed: string[] = [];
    for await (const page of blobs.list()) listed.push(...page);
    expect(listed).toEqual([id]);
  });

  it('ids are of one form', () => {
    expect(isBlobId('0123456789abcdef0123456789abcdef')).toBe(true);
    for (const text of [
      '',
      'x'.repeat(32),
      '0123456789ABCDEF0123456789ABCDEF',
      '../../../../../../../../etc/passwd',
      `${'0'.repeat(32)}\n`,
    ]) {
      expect(isBlobId(text)).toBe(false);
    }
  });
});
