import { BlobError, type BlobErrorKind } from './blobs.ts';

/** A file held open. */
export type FileHandle = number;

/**
 * The few things the blobs ask of a file system. What is written survives a power failure after `syncData` of the file; what is
 * named, renamed or removed, after `syncDirectory` of the folder. Errors carry the `code` of the system (ENOENT, ENOSPC ...).
 */
export interface Disk {
  /** A new, empty file for its owner only. EEXIST when there is one. */
  create(path: string): Promise<FileHandle>;
  openRead(path: string): Promise<FileHandle>;
  /** Writes all of the chunks one after the other, from that position on. */
  write(file: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills the buffer as far as the file goes; returns how many octets that was. */
  read(file: FileHandle, into: Uint8Array, position: number): Promise<number>;
  /** Fills what it can of the buffer in one go: fewer octets, if any, mean that the file ends there, as good as always. */
  readSome(file: FileHandle, into: Uint8Array, position: number): Promise<number>;
  size(file: FileHandle): Promise<number>;
  syncData(file: FileHandle): Promise<void>;
  close(file: FileHandle): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** EEXIST when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Only an empty one. */
  removeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Names in a folder, in no order, a few at a time. */
  entries(path: string): AsyncIterable<string>;
  /** When the file was last written, in milliseconds since 1970. */
  modified(path: string): Promise<number>;
}

/** As much of it as reading blobs takes. */
export type ReadingDisk = Pick<Disk, 'openRead' | 'read' | 'readSome' | 'size' | 'close'>;

/** The system's name for an error; undefined when it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const KINDS: Readonly<Record<string, BlobErrorKind>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EROFS: 'forbidden',
  EACCES: 'forbidden',
  EPERM: 'forbidden',
  EMFILE: 'busy',
  ENFILE: 'busy',
  EAGAIN: 'busy',
  ENOMEM: 'busy',
};

/** What the system said, as an error of the blobs. @param doing "keeping a blob" */
export function diskError(doing: string, error: unknown): BlobError {
  if (error instanceof BlobError) return error;
  const kind = KINDS[codeOf(error) ?? ''] ?? 'failed';
  return new BlobError(kind, `${doing}: ${error instanceof Error ? error.message : String(error)}`, error);
}

/** Runs work on the disk; its errors become errors of the blobs. */
export async function onDisk<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(doing, error);
  }
}
