import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { long } from '../../support/long.ts';
import { ownDirectory } from './engine-stand.ts';

const MB = 1024 * 1024;
const SIZE = (long ? 1000 : 100) * MB;

it.each([
  ['crlf', 64 * 1024],
  ['lf', 1 * MB],
])(
  'appends and reads a message of 100 MB in less than 20 MB of memory (%s, chunks of %d)',
  async (lineEnds, chunk) => {
    const script = fileURLToPath(new URL('large-message.ts', import.meta.url));
    const args = [script, ownDirectory(), String(SIZE), lineEnds, String(chunk)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 170_000 });
    const { read, before, peak }: Record<string, number> = JSON.parse(stdout);
    expect(read).toBeGreaterThan(2 * SIZE);
    expect(((peak ?? Number.NaN) - (before ?? Number.NaN)) / MB).toBeLessThan(20);
  },
  180_000,
);
