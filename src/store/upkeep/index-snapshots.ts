import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccountPlaces } from '../data-places.ts';
import { codeOf, makeFolder, syncFolder } from './durable-files.ts';

/** A copy of an index beside it: `snapshots/TIME.db`. */
export interface Snapshot {
  readonly path: string;
  /** When the copying began, in milliseconds since 1970. */
  readonly time: number;
}

const NAME = /^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z)\.db$/;

/** The snapshots of an account, the newest first. */
export async function snapshotsOf({ snapshots }: AccountPlaces): Promise<readonly Snapshot[]> {
  let names: readonly string[];
  try {
    names = await readdir(snapshots);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap(name => {
      const time = NAME.exec(name)?.[1];
      return time === undefined ? [] : [{ path: join(snapshots, name), time: parseTime(time) }];
    })
    .sort((a, b) => b.time - a.time);
}

/**
 * Makes a snapshot and removes the oldest beyond `keep`.
 * @param copy copies the index to a new file, whole and at one moment
 */
export async function makeSnapshot(
  places: AccountPlaces,
  copy: (path: string) => Promise<void>,
  keep: number,
  now: number,
): Promise<void> {
  await makeFolder(places.snapshots);
  const name = `${new Date(now).toISOString().replaceAll(':', '-')}.db`;
  const part = join(places.snapshots, `.${name}.part`);
  try {
    await rm(part, { force: true });
    await copy(part);
    // What changes from now on is newer than this copy, however long the copying took.
    await utimes(part, now / 1000, now / 1000);
    await rename(part, join(places.snapshots, name));
    await syncFolder(places.snapshots);
  } finally {
    await rm(part, { force: true });
  }
  for (const { path } of (await snapshotsOf(places)).slice(keep)) await rm(path, { force: true });
}

/** Whether an index has changed since its newest snapshot, and that one is older than `age`. */
export async function wantsSnapshot(places: AccountPlaces, age: number, now: number): Promise<boolean> {
  const changed = await lastChange(places);
  if (changed === undefined) return false;
  const [newest] = await snapshotsOf(places);
  return newest === undefined || (newest.time <= now - age && changed >= newest.time);
}

/** Milliseconds since 1970; undefined when there is no index. */
async function lastChange({ index }: AccountPlaces): Promise<number | undefined> {
  let last: number | undefined;
  for (const path of [index, `${index}-wal`]) {
    try {
      const { mtimeMs, size } = await stat(path);
      if (size > 0) last = Math.max(last ?? 0, mtimeMs);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  return last;
}

/** The colons of a time cannot stand in names on every system. */
function parseTime(text: string): number {
  return Date.parse(text.replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:'));
}
