import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { blobsConformance } from '../../conformance/blobs.ts';

blobsConformance('a directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'postern-blobs-'));
  return {
    open: () => openDirectoryBlobs({ directory: join(directory, 'blobs') }),
    close: () => rm(directory, { recursive: true }),
  };
});
