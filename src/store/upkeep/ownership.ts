import { chown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Gives what root has made to the owner of the data folder, as whom the server runs: it could not read its own mail otherwise. Does
 * nothing for other users, who can make nothing but their own.
 * @param root whose owner is meant @param path a file, or a folder with all in it
 */
export async function giveToOwner(root: string, path: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await lstat(root);
  if (uid !== 0) await give(path, uid, gid);
}

async function give(path: string, uid: number, gid: number): Promise<void> {
  const about = await lstat(path);
  // A file with a second name in a backup keeps the owner it has where that is right already.
  if (about.uid !== uid || about.gid !== gid) await chown(path, uid, gid);
  if (!about.isDirectory()) return;
  for (const name of await readdir(path)) await give(join(path, name), uid, gid);
}
