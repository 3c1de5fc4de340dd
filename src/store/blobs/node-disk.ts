import * as fs from 'node:fs';
import { opendir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Disk, FileHandle } from './disk.ts';

const open = promisify(fs.open);
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
  openRead,
  write: writeAll,
  read: readAll,
  readSome: (file, into, position) => readSome(file, into, 0, position),
  size: async file => (await fstat(file)).size,
  syncData: file => fdatasync(file),
  close,
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

/** By hand, as the others that are called for every message: promisified, it takes longer. */
function openRead(path: string): Promise<FileHandle> {
  return new Promise((resolve, reject) => {
    fs.open(path, fs.constants.O_RDONLY, (error, file) => (error ? reject(error) : resolve(file)));
  });
}

function close(file: FileHandle): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.close(file, error => (error ? reject(error) : resolve()));
  });
}

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
