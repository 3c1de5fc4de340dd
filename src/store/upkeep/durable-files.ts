import { constants } from 'node:fs';
import { access, copyFile, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The system's name for an error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Answers of systems and file systems that have no hard links, or none from here to there. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** For its owner alone, with the folders above it. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** What was named or removed in the folder survives a power failure then. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What was written to the file survives a power failure then. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writes a small file: whole or not at all. */
export async function writeFileDurably(path: string, content: string): Promise<void> {
  const part = partOf(path);
  const file = await open(part, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
  await syncFolder(dirname(path));
}

/** Copies a file that does not change; the copy is whole, or has another name. Its folder is the caller's to sync. */
export async function copyDurably(from: string, to: string): Promise<void> {
  const part = partOf(to);
  try {
    await copyFile(from, part, constants.COPYFILE_FICLONE);
    await syncFile(part);
    await rename(part, to);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** As `copyDurably`, without a second file where the file system can give the same one two names. @returns whether it could */
export async function linkOrCopy(from: string, to: string): Promise<'linked' | 'copied'> {
  try {
    await link(from, to);
    return 'linked';
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return 'linked';
    if (!NO_LINK.has(codeOf(error) ?? '')) throw error;
  }
  await copyDurably(from, to);
  return 'copied';
}

/** Where a file is until it is whole: beside its place, under a name that nothing else has. */
function partOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.part`);
}
