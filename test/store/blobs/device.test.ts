import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Blobs } from '../../../src/store/blobs/blobs.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { nodeDisk } from '../../../src/store/blobs/node-disk.ts';
import { kindOf } from '../../conformance/blobs.ts';
import { contentOf, inChunks, joined } from './content.ts';
import { temporaryDirectory } from './folder.ts';

const mountable = mayMount();

describe('a device', () => {
  it.runIf(mountable)(
    'that is full (a small tmpfs, mounted by root) is told as such and nothing is left behind',
    async () => {
      const directory = tmpfs();
      const blobs = await openDirectoryBlobs({ directory });
      const first = await blobs.put([contentOf('noise', 1_000_000)]);
      for (const size of [3_000_000, 1_500_000]) {
        expect(await kindOf(blobs.put(inChunks(contentOf('noise', size), 100_000)))).toBe('full');
        expect(readdirSync(`${directory}/tmp`)).toEqual([]);
      }
      expect((await joined(blobs.read(first.id))).length).toBe(1_000_000);
      await blobs.delete(first.id);
      const second = await blobs.put([contentOf('noise', 1_500_000)]);
      expect(await listed(blobs)).toEqual([second.id]);
    },
  );

  it.runIf(mountable)(
    'that is read-only (a tmpfs, mounted by root) can be read, and says why it takes nothing',
    async () => {
      const directory = tmpfs();
      const before = await openDirectoryBlobs({ directory });
      const { id } = await before.put([Buffer.from('readable')]);
      leaveBehind(`${directory}/tmp/old.part`);
      execFileSync('mount', ['-o', 'remount,ro', directory]);
      for (const blobs of [before, await openDirectoryBlobs({ directory })]) {
        expect(await kindOf(blobs.put([Buffer.from('x')]))).toBe('forbidden');
        expect(await kindOf(blobs.delete(id))).toBe('forbidden');
        expect(String(await joined(blobs.read(id)))).toBe('readable');
        expect(await listed(blobs)).toEqual([id]);
      }
      expect(await kindOf(openDirectoryBlobs({ directory: `${directory}/other` }))).toBe('forbidden');
    },
  );

  it('on which a file is in the way is an error when it is opened', async () => {
    const directory = `${temporaryDirectory()}/file`;
    writeFileSync(directory, '');
    expect(await kindOf(openDirectoryBlobs({ directory }))).toBe('failed');
  });

  it('that takes a write in parts gets all of it', async () => {
    const directory = temporaryDirectory();
    // As a signal or a nearly full device may cut a write short.
    const path = `${directory}/parts`;
    const file = await nodeDisk.create(path);
    const chunks = Array.from({ length: 3000 }, (_, n) => Buffer.from(`${n},`));
    // More pieces than the system takes in one call.
    await nodeDisk.write(file, chunks, 0);
    await nodeDisk.write(file, [Buffer.alloc(0), Buffer.from('end')], Buffer.concat(chunks).length);
    const read = Buffer.alloc(Buffer.concat(chunks).length + 100);
    const got = await nodeDisk.read(file, read, 0).catch(() => -1);
    await nodeDisk.close(file);
    expect(got).toBe(-1); // it was opened for writing alone
    const again = await nodeDisk.openRead(path);
    const length = await nodeDisk.read(again, read, 0);
    await nodeDisk.close(again);
    expect(String(read.subarray(0, length))).toBe(`${chunks.join('')}end`);
  });
});

describe('unfinished files', () => {
  it('are removed on opening when they are old, and nothing else is', async () => {
    const directory = temporaryDirectory();
    await openDirectoryBlobs({ directory });
    leaveBehind(`${directory}/tmp/old.part`);
    leaveBehind(`${directory}/tmp/notes.txt`);
    writeFileSync(`${directory}/tmp/new.part`, 'half of it');
    await openDirectoryBlobs({ directory });
    expect(readdirSync(`${directory}/tmp`).sort()).toEqual(['new.part', 'notes.txt']);
  });

  it('of puts that run stay when another process opens the same folder', async () => {
    const directory = temporaryDirectory();
    const blobs = await openDirectoryBlobs({ directory });
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const content = contentOf('noise', 1_000_000);
    async function* slow() {
      yield content.subarray(0, 900_000);
      reached.resolve();
      await gate.promise;
      yield content.subarray(900_000);
    }
    const running = blobs.put(slow());
    await reached.promise;
    const others = await openDirectoryBlobs({ directory });
    expect(readdirSync(`${directory}/tmp`)).toHaveLength(1);
    gate.resolve();
    const { id } = await running;
    expect((await joined(others.read(id))).equals(content)).toBe(true);
    expect(readdirSync(`${directory}/tmp`)).toEqual([]);
  });

  it('that somebody removed under a put are never acknowledged', async () => {
    const directory = temporaryDirectory();
    const blobs = await openDirectoryBlobs({ directory });
    async function* slow() {
      yield contentOf('noise', 900_000);
      // An age below none: every file is a leftover.
      await openDirectoryBlobs({ directory, leftoverAge: -1_000_000 });
      expect(readdirSync(`${directory}/tmp`)).toEqual([]);
      yield Buffer.from('the rest');
    }
    expect(await kindOf(blobs.put(slow()))).toBe('failed');
    expect(await listed(blobs)).toEqual([]);
  });

  it('of a short message do not exist before all of it has come', async () => {
    const directory = temporaryDirectory();
    const blobs = await openDirectoryBlobs({ directory });
    async function* slow() {
      yield Buffer.from('first');
      expect(readdirSync(`${directory}/tmp`)).toEqual([]);
      yield Buffer.from('last');
    }
    expect((await blobs.put(slow())).size).toBe(9);
  });
});

async function listed(blobs: Blobs): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of blobs.list()) ids.push(...page);
  return ids;
}

/** A file last written two days ago. */
function leaveBehind(path: string): void {
  writeFileSync(path, 'half of it');
  const then = new Date(Date.now() - 2 * 86_400_000);
  utimesSync(path, then, then);
}

/** A file system of 2 MB that goes with the test. */
function tmpfs(): string {
  const directory = temporaryDirectory();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory]);
  onTestFinished(() => {
    execFileSync('umount', [directory]);
  });
  return directory;
}

function mayMount(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/bin/mount')) return false;
  try {
    // A container's root may not.
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
