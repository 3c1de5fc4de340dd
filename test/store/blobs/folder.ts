import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BlobId } from '../../../src/store/blobs/blob-id.ts';
import { placeOf } from '../../../src/store/blobs/blob-places.ts';

/** A new folder that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'postern-blobs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The file of a blob. */
export const fileOf = (directory: string, id: BlobId) => placeOf(directory, id).file;
