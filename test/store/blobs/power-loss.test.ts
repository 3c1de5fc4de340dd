import { describe, expect, it } from 'vitest';
import type { BlobId } from '../../../src/store/blobs/blob-id.ts';
import { blobTime } from '../../../src/store/blobs/blob-id.ts';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { kindOf } from '../../conformance/blobs.ts';
import fc from '../../support/fast-check.ts';
import { contentOf, inChunks, joined } from './content.ts';
import { PowerLossDisk, systemError } from './power-loss-disk.ts';

const FRAME = 256 * 1024;
const HOUR = 3_600_000;
/** Within a folder of 17 minutes. */
const NOW = Date.parse('2026-11-21T03:00:00Z');

const open = (disk: PowerLossDisk, now = NOW) => openDirectoryBlobs({ directory: '/data/blobs', disk, now: () => now });

async function everything(blobs: Blobs): Promise<Map<BlobId, Buffer>> {
  const all = new Map<BlobId, Buffer>();
  for await (const page of blobs.list()) for (const id of page) all.set(id, await joined(blobs.read(id)));
  return all;
}

/** Nothing survives, everything does, and chances between. */
const FATES: readonly (() => () => boolean)[] = [
  () => () => false,
  () => () => true,
  ...Array.from({ length: 12 }, (_, seed) => () => {
    let state = seed + 1;
    return () => {
      state = (state * 48_271) % 2_147_483_647;
      return state % 2 === 0;
    };
  }),
];

describe('a power failure', () => {
  it('finds everything in the order that makes it durable', async () => {
    const disk = new PowerLossDisk();
    const blobs = await open(disk);
    expect(names(disk.steps)).toEqual([
      'makeDirectory blobs', // in vain: what is above is missing
      'makeDirectory data',
      'syncDirectory /',
      'makeDirectory blobs',
      'syncDirectory data',
      'makeDirectory tmp',
      'syncDirectory blobs',
    ]);
    disk.steps.length = 0;
    const { id } = await blobs.put([Buffer.from('first')]);
    const [outer, inner] = [id.slice(0, 4), id.slice(4, 7)];
    const file = ['create PART', 'write PART', 'syncData PART', 'close PART'];
    expect(names(disk.steps)).toEqual([
      ...file,
      `makeDirectory ${outer}`,
      `makeDirectory ${inner}`,
      'rename PART ID',
      'syncDirectory blobs',
      `syncDirectory ${outer}`,
      `syncDirectory ${inner}`,
    ]);
    disk.steps.length = 0;
    await blobs.put([Buffer.from('second')]);
    expect(names(disk.steps)).toEqual([...file, 'rename PART ID', `syncDirectory ${inner}`]);
    disk.steps.length = 0;
    await blobs.delete(id);
    expect(names(disk.steps)).toEqual(['remove ID', `syncDirectory ${inner}`]);
  });

  it.each([
    ['an empty blob', 0],
    ['a short blob', 1000],
    ['a blob of several frames', 3 * FRAME + 100],
  ])('at any step of putting %s leaves it whole or not at all', async (_, size) => {
    const content = contentOf('mixed', size);
    let steps = Number.POSITIVE_INFINITY;
    for (let cutAt = 0; cutAt <= steps; cutAt += 1) {
      const disk = new PowerLossDisk();
      disk.interference = { cutAt };
      let acknowledged: BlobId | undefined;
      try {
        const blobs = await open(disk);
        acknowledged = (await blobs.put(inChunks(content, 100_000))).id;
        steps = disk.steps.length;
      } catch {
        expect(disk.steps).toHaveLength(cutAt);
      }
      for (const fate of FATES) {
        const found = disk.afterPowerLoss(fate());
        const blobs = await open(found, NOW + 25 * HOUR);
        const all = await everything(blobs);
        expect(all.size).toBeLessThanOrEqual(1);
        if (acknowledged) expect([...all.keys()]).toEqual([acknowledged]);
        for (const octets of all.values()) expect(octets.equals(content)).toBe(true);
        const again = await blobs.put([content]);
        expect((await everything(blobs)).has(again.id)).toBe(true);
      }
    }
    expect(steps).toBeGreaterThan(10);
  });

  it('at any step of a delete leaves the blob whole or not at all, and gone once that was acknowledged', async () => {
    const content = contentOf('text', FRAME + 1);
    for (const later of [0, 2 * HOUR]) {
      let steps = Number.POSITIVE_INFINITY;
      for (let cutAt = 0; cutAt <= steps; cutAt += 1) {
        const disk = new PowerLossDisk();
        const { id } = await (await open(disk)).put([content]);
        const blobs = await open(disk, NOW + later);
        disk.steps.length = 0;
        disk.interference = { cutAt };
        const acknowledged = await blobs.delete(id).then(
          () => true,
          () => false,
        );
        if (acknowledged && disk.steps.length < cutAt) steps = disk.steps.length;
        for (const fate of FATES) {
          const all = await everything(await open(disk.afterPowerLoss(fate())));
          if (acknowledged) expect(all.size).toBe(0);
          for (const octets of all.values()) expect(octets.equals(content)).toBe(true);
        }
      }
      expect(steps).toBeLessThan(20);
    }
  });

  it('makes a delete durable that an earlier process did not finish', async () => {
    const disk = new PowerLossDisk();
    const blobs = await open(disk);
    const { id } = await blobs.put([Buffer.from('x')]);
    disk.interference = { before: step => failOn(step, /^syncDirectory/, 'EIO') };
    expect(await kindOf(blobs.delete(id))).toBe('failed');
    disk.interference = {};
    await (await open(disk)).delete(id);
    expect((await everything(await open(disk.afterPowerLoss(() => false)))).size).toBe(0);
  });

  it('makes folders durable that an earlier process made and did not finish', async () => {
    const disk = new PowerLossDisk();
    disk.interference = { before: step => failOn(step, /^syncDirectory .*\/0/, 'EIO') };
    expect(await kindOf((await open(disk)).put([Buffer.from('x')]))).toBe('failed');
    disk.interference = {};
    const { id } = await (await open(disk)).put([Buffer.from('y')]);
    expect([...(await everything(await open(disk.afterPowerLoss(() => false)))).keys()]).toEqual([id]);
  });

  it('amid many puts and deletes loses nothing acknowledged and leaves no blob in part', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(120), fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), async (cutAt, luck) => {
        const disk = new PowerLossDisk();
        const blobs = await open(disk);
        const old = await Promise.all([1, 2, 3, 4].map(n => blobs.put([Buffer.from(`old ${n}`)])));
        disk.steps.length = 0;
        disk.interference = { cutAt };
        const kept = new Map<BlobId, string>();
        const deleted = new Set<BlobId>();
        const puts = Array.from({ length: 8 }, async (_, n) => {
          const text = `new ${n} `.repeat(n * 9000);
          kept.set((await blobs.put(inChunks(Buffer.from(text), 70_000))).id, text);
        });
        const deletes = old.slice(2).map(async ({ id }) => {
          await blobs.delete(id);
          deleted.add(id);
        });
        await Promise.allSettled([...puts, ...deletes]);
        let tosses = 0;
        const fate = () => {
          tosses += 1;
          return luck[tosses % luck.length] ?? false;
        };
        const all = await everything(await open(disk.afterPowerLoss(fate)));
        for (const [id, text] of kept) expect(String(all.get(id))).toBe(text);
        for (const id of deleted) expect(all.has(id)).toBe(false);
        for (const { id } of old.slice(0, 2)) expect(String(all.get(id))).toMatch(/^old /);
        for (const octets of all.values()) expect(String(octets)).toMatch(/^(?:old \d|(?:new (\d) (?:new \1 )*)?)$/);
      }),
      { numRuns: 60 },
    );
  });
});

describe('an error of the disk', () => {
  it.each([
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EROFS', 'forbidden'],
    ['EACCES', 'forbidden'],
    ['EMFILE', 'busy'],
    ['EIO', 'failed'],
  ])('%s at any step of a put is told as "%s" and leaves nothing behind', async (code, kind) => {
    for (const size of [1000, 2 * FRAME + 1]) {
      let steps = Number.POSITIVE_INFINITY;
      for (let failing = 0; failing < steps; failing += 1) {
        const disk = new PowerLossDisk();
        const blobs = await open(disk);
        disk.steps.length = 0;
        disk.interference = {
          before: (step, index) => {
            if (index === failing) throw systemError(code, step);
          },
        };
        const told = await kindOf(blobs.put(inChunks(contentOf('noise', size), 100_000)));
        if (told === 'no error') {
          steps = disk.steps.length;
          break;
        }
        expect(told).toBe(kind);
        expect(disk.files()).toEqual([]);
        expect(disk.held).toBe(0);
        disk.interference = {};
        await blobs.put([Buffer.from('goes on')]);
        expect(disk.files()).toHaveLength(1);
      }
      expect(steps).toBeGreaterThan(8);
    }
  });

  it('that took a folder away between making and using it is put right', async () => {
    const disk = new PowerLossDisk();
    const blobs = await open(disk);
    const { id } = await blobs.put([Buffer.from('old')]);
    let taken = 0;
    disk.interference = {
      before: step => {
        // As when another process removes it, empty, at that moment.
        if (step.startsWith('rename') && taken < 2) {
          taken += 1;
          throw systemError('ENOENT', step);
        }
      },
    };
    await blobs.put([Buffer.from('new')]);
    expect(taken).toBe(2);
    disk.interference = {};
    expect((await everything(await open(disk.afterPowerLoss(() => false)))).size).toBe(2);
    expect(blobTime(id)).toBe(NOW);
  });
});

describe('folders', () => {
  it('are synced once for many who wait', async () => {
    const disk = new PowerLossDisk();
    const blobs = await open(disk);
    await Promise.all(Array.from({ length: 100 }, (_, n) => blobs.put([Buffer.from(`${n}`)])));
    expect(disk.steps.filter(step => step.startsWith('syncDirectory')).length).toBeLessThan(20);
    expect((await everything(await open(disk.afterPowerLoss(() => false)))).size).toBe(100);
  });

  it('go with the last blob of their time, and not before', async () => {
    const disk = new PowerLossDisk();
    const early = await open(disk);
    const kept = await Promise.all(['a', 'b'].map(text => early.put([Buffer.from(text)])));
    const later = await open(disk, NOW + 2 * HOUR);
    for (const [index, { id }] of kept.entries()) {
      expect((await everything(later)).size).toBe(2 - index);
      await later.delete(id);
    }
    const root: string[] = [];
    for await (const name of disk.entries('/data/blobs')) root.push(name);
    expect(root).toEqual(['tmp']);
    expect((await everything(later)).size).toBe(0);
    await early.put([Buffer.from('with a clock that lags')]);
    expect((await everything(await open(disk.afterPowerLoss(() => false)))).size).toBe(1);
  });
});

/** A folder that empties and goes while others, whose clock lags, put into it. */
it('folders taken away under puts cost none that was acknowledged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.nat(150), async (rounds, cutAt) => {
      const disk = new PowerLossDisk();
      const later = await open(disk, NOW + 2 * HOUR);
      const early = await open(disk);
      const kept = new Set<BlobId>();
      disk.steps.length = 0;
      disk.interference = { cutAt };
      const work = async (blobs: Blobs, n: number) => {
        for (let round = 0; round < rounds; round += 1) {
          const { id } = await early.put([Buffer.from(`${n} ${round}`)]);
          // Half of them go again at once, and with the last one its folder.
          if (n % 2 === 0) await blobs.delete(id);
          else kept.add(id);
        }
      };
      await Promise.allSettled([work(later, 0), work(early, 2), work(later, 4), work(early, 1)]);
      const all = await everything(await open(disk.afterPowerLoss(() => false)));
      for (const id of kept) expect(all.has(id)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

function failOn(step: string, which: RegExp, code: string): void {
  if (which.test(step)) throw systemError(code, step);
}

/** Steps without the parts that differ from run to run. */
function names(steps: readonly string[]): string[] {
  return steps.map(step =>
    step
      .replace(/\S*\/[0-9a-f]{32}\.part/g, 'PART')
      .replace(/\S*\/[0-9a-f]{32}/g, 'ID')
      .replace(/ \/\S*\/(?=\S)/, ' ')
      .replace(/ \/(?=\w)/, ' '),
  );
}
