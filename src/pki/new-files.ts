import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file to be written; a secret one is readable by its owner only. */
export interface NewFile {
  readonly path: string;
  readonly content: string;
  readonly secret: boolean;
}

/** A file is in the way. */
export class FileExistsError extends Error {
  override readonly name = 'FileExistsError';
}

/**
 * Writes all of the files, or none if one is there already and `force` is not given. Each appears whole: a server that looks
 * at it meanwhile sees the old one or the new one. @throws FileExistsError
 */
export function writeNewFiles(files: readonly NewFile[], { force = false }: { force?: boolean } = {}): void {
  const inTheWay = files.filter(file => existsSync(file.path)).map(file => file.path);
  if (inTheWay.length > 0 && !force) {
    throw new FileExistsError(`${inTheWay.join(' and ')} exists already; nothing was written (--force replaces)`);
  }
  for (const file of files) writeWhole(file);
}

function writeWhole({ path, content, secret }: NewFile): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.new`;
  // What an interrupted run left must not lend its permissions to a new key.
  rmSync(temporary, { force: true });
  const descriptor = openSync(temporary, 'wx', secret ? 0o600 : 0o644);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
