import { expect, it } from 'vitest';
import { placeOf } from '../../../src/store/blobs/blob-places.ts';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { unwritten } from '../../../src/store/blobs/node-disk.ts';
import { contentOf } from './content.ts';
import { PowerLossDisk } from './power-loss-disk.ts';

const open = (disk: PowerLossDisk): Promise<Blobs> => openDirectoryBlobs({ directory: '/blobs', disk });
const gone = new Error('the client is gone');

it('a put that fails while a frame is being written ends that write before it closes the file', async () => {
  const disk = new PowerLossDisk();
  const blobs = await open(disk);
  async function* failing() {
    yield contentOf('noise', 600_000);
    throw gone;
  }
  await expect(blobs.put(failing())).rejects.toBe(gone);
  expect(disk.steps.some(step => step.startsWith('write'))).toBe(true);
  expect(disk.stray).toEqual([]);
  expect(disk.held).toBe(0);
  expect(disk.files()).toEqual([]);
});

it('a put can be stopped until the blob gets its name, and not from then on', async () => {
  for (const [step, stopped] of [
    ['create', true],
    ['syncData', true],
    ['close', true],
    ['rename', false],
    ['syncDirectory', false],
  ] as const) {
    const disk = new PowerLossDisk();
    const blobs = await open(disk);
    const controller = new AbortController();
    disk.interference = {
      before: name => {
        if (name.startsWith(step)) controller.abort(gone);
      },
    };
    const put = blobs.put([Buffer.from('x')], { signal: controller.signal });
    if (stopped) await expect(put).rejects.toBe(gone);
    else await put;
    expect(disk.files()).toHaveLength(stopped ? 0 : 1);
  }
});

it('closing waits for puts and deletes that run', async () => {
  const disk = new PowerLossDisk();
  const blobs = await open(disk);
  const { id } = await blobs.put([Buffer.from('x')]);
  const running = [blobs.put([Buffer.from('y')]), blobs.delete(id)];
  await blobs.close();
  const steps = disk.steps.length;
  await Promise.all(running);
  expect(disk.steps).toHaveLength(steps);
  expect(disk.files()).toHaveLength(1);
});

it('deletes for good what others removed with its folder and did not sync', async () => {
  const disk = new PowerLossDisk();
  const blobs = await open(disk);
  const { id } = await blobs.put([Buffer.from('x')]);
  const { file, inner, outer } = placeOf('/blobs', id);
  await disk.remove(file);
  await disk.removeDirectory(inner);
  await disk.removeDirectory(outer);
  expect(disk.afterPowerLoss(() => false).files()).toEqual([file]);
  await blobs.delete(id);
  expect(disk.afterPowerLoss(() => false).files()).toEqual([]);
});

it('writes what is left when the system took a part', () => {
  const chunks = ['abc', '', 'de', 'f'].map(text => Buffer.from(text));
  const left = Array.from({ length: 8 }, (_, written) => Buffer.concat(unwritten(chunks, written)).toString());
  expect(left).toEqual(['abcdef', 'bcdef', 'cdef', 'def', 'ef', 'f', '', '']);
  expect(unwritten(chunks, 6)).toEqual([]);
});
