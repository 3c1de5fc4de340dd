import { join } from 'node:path';
import type { Disk } from './disk.ts';

/**
 * Removes unfinished files that were last written before that time: those of puts that a crash cut off. A put that still runs,
 * here or in another process, writes to its file all the time. Nothing is synced: what comes back after a crash is removed then.
 */
export async function removeLeftovers(disk: Disk, folder: string, before: number): Promise<void> {
  for await (const name of disk.entries(folder)) {
    const path = join(folder, name);
    try {
      if (name.endsWith('.part') && (await disk.modified(path)) < before) await disk.remove(path);
    } catch {
      // Finished meanwhile, removed by another process that opens just now, or on a device that is read-only: then puts will say
      // so, and what is there can still be read.
    }
  }
}
