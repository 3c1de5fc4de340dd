import * as fs from 'node:fs';
import { opendir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Disk, FileHandle } from './disk.ts';

const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);
const stat = promisify(fs.stat);
const fsync = promisify(fs.fsync);
const fdatasync = promisify(fs.fdatasync);
const rename = promisify(fs.rename);
const unlink = promisify(fs.unlink);
const rmdir = promisify(fs.rmdir);
const mkdir = promisify(fs.mkdir);

/** Plain descriptors, not `FileHandle`s of Node's: they cost less, and none is closed behind our back by the collector. */
export const nodeDisk: Disk = {
  create: path => open(path, 'wx', 0o600),
  openRead: path => open(path, 'r'),
  write: writeAll,
  read: readAll,
  size: async file => (await fstat(file)).size,
  syncData: file => fdatasync(file),
  close: file => close(file),
  rename: (from, to) => rename(from, to),
  remove: path => unlink(path),
  makeDirectory: async path => {
    await mkdir(path, { mode: 0o700 });
  },
  removeDirectory: path => rmdir(path),
  syncDirectory,
  entries,
  modified: async path => (await stat(path)).mtimeMs,
};

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  let rest = unwritten(chunks, 0);
  for (let at = position; rest.length > 0; ) {
    const written = await writev(file, rest, at);
    at += written;
    rest = unwritten(rest, written);
  }
}

/** What is left when the system wrote less than all of it. */
export function unwritten(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let skip = written;
  const first = chunks.findIndex(({ length }) => {
    if (skip < length) return true;
    skip -= length;
    return false;
  });
  return first < 0 ? [] : chunks.slice(first).map((chunk, index) => (index === 0 ? chunk.subarray(skip) : chunk));
}

/** By hand: promisified, it makes an object for every call. */
function writev(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(file, chunks, position, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

async function readAll(file: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const got = await readSome(file, into, filled, position + filled);
    if (got === 0) break;
    filled += got;
  }
  return filled;
}

function readSome(file: FileHandle, into: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(file, into, offset, into.length - offset, position, (error, got) => (error ? reject(error) : resolve(got)));
  });
}

async function syncDirectory(path: string): Promise<void> {
  const folder = await open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await fsync(folder);
  } finally {
    await close(folder);
  }
}

async function* entries(path: string): AsyncIterable<string> {
  for await (const entry of await opendir(path, { bufferSize: 256 })) yield entry.name;
}
