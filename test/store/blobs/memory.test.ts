import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { long } from '../../support/long.ts';
import { temporaryDirectory } from './folder.ts';

const MB = 1024 * 1024;
const SIZE = (long ? 1000 : 200) * MB;

it('keeps and reads a blob of 200 MB in less than 20 MB of memory', async () => {
  const script = fileURLToPath(new URL('large-blob.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, temporaryDirectory(), String(SIZE)], {
    timeout: 120_000,
  });
  const { read, before, peak }: Record<string, number> = JSON.parse(stdout);
  expect(read).toBeGreaterThan(SIZE);
  expect(((peak ?? Number.NaN) - (before ?? Number.NaN)) / MB).toBeLessThan(20);
}, 130_000);

it("gives memory back that is nobody else's, and leaves the pool alone", async () => {
  const { release } = await import('../../../src/store/blobs/release.ts');
  const own = Buffer.alloc(200_000);
  release(own.subarray(5, 10));
  expect(own.buffer.byteLength).toBe(0);
  const shared = Buffer.from('short');
  release(shared);
  expect(String(shared)).toBe('short');
});
