import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccountId } from '../../mail/ids.ts';
import { type AccountPlaces, accountPlaces, accountsIn, type DataPlaces } from '../data-places.ts';
import type { Index } from '../index/index-port.ts';
import {
  type AccountEntry,
  type BackupFolder,
  type Manifest,
  ManifestWriter,
  type RunPlaces,
  readManifest,
} from './backup-folder.ts';
import { BlobCopies, type Brought } from './blob-copies.ts';
import { OlderList, openBlobList, readBlobList, referencesOf } from './blob-list.ts';
import { checksumOf } from './checksum.ts';
import { codeOf, copyDurably, linkOrCopy, makeFolder, syncFolder } from './durable-files.ts';

/** What a backup works with. */
export interface BackupJob {
  readonly data: DataPlaces;
  readonly folder: BackupFolder;
  /** Copies an account's index, whole and at one moment, to a new file, while others may go on. @throws MailError */
  readonly copyIndex: (account: AccountId, path: string) => Promise<void>;
  /** Opens the indexes in a folder of accounts, for reading copies. */
  readonly openIndex: (accounts: string) => Index;
  /** Keeps what else a run should have, once its folder is there. */
  readonly keepAlso?: (run: RunPlaces) => Promise<void>;
  /** Only these; all by default. */
  readonly accounts?: ReadonlySet<AccountId>;
  /** Whether messages may be the same files here and there, where the file system can do that. */
  readonly link: boolean;
  readonly now?: () => number;
  readonly signal?: AbortSignal;
  /** Hears of each account as it is done. */
  readonly onAccount?: (done: AccountBackup) => void;
}

export interface AccountBackup {
  readonly account: AccountId;
  readonly outcome: 'unchanged' | 'copied' | 'failed';
  /** Why it failed; or how many messages were not there. */
  readonly problem?: string;
  readonly brought?: Brought;
}

export interface BackupSummary {
  readonly run: string;
  readonly accounts: number;
  readonly unchanged: number;
  readonly failed: number;
  /** New messages' contents, their octets, and how many of them take no space of their own. */
  readonly blobs: number;
  readonly octets: number;
  readonly linked: number;
  readonly missing: number;
}

/** A message that was there when the index was copied may be swept before it is; with a later index it is not wanted any more. */
const ATTEMPTS = 3;
/** Folders for copies on their way. */
const SCRATCH = 'backup-';
const ABANDONED_MS = 86_400_000;
/** A file written less long ago may be written again without looking different. */
const SETTLED_MS = 2000;

/**
 * Copies accounts into a folder of backups as a new run: the index first, at one moment, then the messages that it refers to and that
 * are not there from runs before. Each account is what it was at a moment within the run.
 */
export async function backUp(job: BackupJob): Promise<BackupSummary> {
  const { data, folder, now = Date.now, signal } = job;
  await folder.removeBroken();
  const before = await newestManifests(folder);
  const began = new Date(now()).toISOString();
  const place = folder.run(began.replaceAll(':', '-'));
  await makeFolder(place.folder);
  await removeAbandoned(data.root, now());
  const scratch = await mkdtemp(join(data.root, SCRATCH));
  const manifest = new ManifestWriter(place);
  const failed: { account: string; reason: string }[] = [];
  const sum = { accounts: 0, unchanged: 0, failed: 0, blobs: 0, octets: 0, linked: 0, missing: 0 };
  try {
    for await (const account of accountsIn(data.accounts)) {
      if (job.accounts && !job.accounts.has(account)) continue;
      signal?.throwIfAborted();
      sum.accounts += 1;
      try {
        const { entry, outcome, brought } = await backUpAccount(account, job, place, scratch, before.get(account));
        manifest.add(entry);
        if (outcome === 'unchanged') sum.unchanged += 1;
        sum.blobs += brought?.blobs ?? 0;
        sum.octets += brought?.octets ?? 0;
        sum.linked += brought?.linked ?? 0;
        sum.missing += entry.missing;
        const problem = entry.missing === 0 ? {} : { problem: `${entry.missing} messages are not there` };
        job.onAccount?.({ account, outcome, ...(brought && { brought }), ...problem });
      } catch (error) {
        // A disk that is full or gone fails the run; an account that cannot be read must not keep the others from being copied.
        if (codeOf(error) !== undefined || signal?.aborted) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        failed.push({ account, reason });
        job.onAccount?.({ account, outcome: 'failed', problem: reason });
      }
    }
    await job.keepAlso?.(place);
    sum.failed = failed.length;
    const ended = new Date(now()).toISOString();
    await manifest.finish({ run: place.name, began, ended, failed });
    await syncFolder(join(folder.root, 'runs'));
    return { run: place.name, ...sum };
  } finally {
    manifest.abandon();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What backups that were killed have left in the data folder. */
async function removeAbandoned(root: string, now: number): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(SCRATCH)) continue;
    const path = join(root, name);
    if ((await stat(path)).mtimeMs < now - ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

interface Before {
  readonly place: RunPlaces;
  readonly entry: AccountEntry;
}

/** Of each account, the newest run that has it. */
async function newestManifests(folder: BackupFolder): Promise<ReadonlyMap<string, Before>> {
  const newest = new Map<string, Before>();
  for (const name of await folder.wholeRuns()) {
    const place = folder.run(name);
    let manifest: Manifest;
    try {
      manifest = await readManifest(place);
    } catch {
      // Whoever restores it is told; this run then copies as if it were not there.
      continue;
    }
    for (const [account, entry] of manifest.accounts) newest.set(account, { place, entry });
  }
  return newest;
}

async function backUpAccount(
  account: AccountId,
  job: BackupJob,
  run: RunPlaces,
  scratch: string,
  before: Before | undefined,
): Promise<{ entry: AccountEntry; outcome: 'unchanged' | 'copied'; brought?: Brought }> {
  const to = run.account(account);
  await makeFolder(to.folder);
  const live = accountPlaces(job.data.accounts, account);
  const seen = await appearanceOf(live, (job.now ?? Date.now)());
  if (before && seen !== undefined && before.entry.seen === seen && before.entry.missing === 0) {
    const from = before.place.account(account);
    await linkOrCopy(from.index, to.index);
    await linkOrCopy(from.list, to.list);
    await syncFolder(to.folder);
    return { entry: before.entry, outcome: 'unchanged' };
  }
  const total: Brought = { blobs: 0, octets: 0, linked: 0, missing: [] };
  for (let attempt = 1; ; attempt += 1) {
    const copy = accountPlaces(scratch, account);
    await makeFolder(copy.folder);
    await job.copyIndex(account, copy.index);
    const { brought, listed } = await bringReferred(account, job, scratch, to.list, before);
    total.blobs += brought.blobs;
    total.octets += brought.octets;
    total.linked += brought.linked;
    const again = brought.missing.length > 0 && attempt < ATTEMPTS;
    if (!again) {
      await moveFile(copy.index, to.index);
      await syncFolder(to.folder);
    }
    await rm(copy.folder, { recursive: true, force: true });
    if (again) continue;
    const entry = {
      account,
      index: await checksumOf(to.index),
      list: await checksumOf(to.list),
      blobs: listed,
      missing: brought.missing.length,
      ...(seen !== undefined && { seen }),
    };
    return { entry, outcome: 'copied', brought: total };
  }
}

/** Lists what the copied index refers to, and brings those blobs that the folder does not have yet. */
async function bringReferred(
  account: AccountId,
  { data, folder, openIndex, link, signal }: BackupJob,
  scratch: string,
  listPath: string,
  before: Before | undefined,
): Promise<{ brought: Brought; listed: number }> {
  const from = accountPlaces(data.accounts, account).blobs;
  const to = accountPlaces(folder.accounts, account).blobs;
  await makeFolder(to);
  const copies = new BlobCopies(from, to, link);
  // What could not be copied then may be there now.
  const older =
    before?.entry.missing === 0 ? new OlderList(readBlobList(before.place.account(account).list)) : undefined;
  const index = openIndex(scratch);
  const list = await openBlobList(listPath);
  let listed = 0;
  try {
    const opened = await index.open(account);
    for await (const reference of referencesOf(opened)) {
      signal?.throwIfAborted();
      await list.add(reference);
      listed += 1;
      if (!(await older?.has(reference.blob))) await copies.bring(reference.blob);
    }
    await opened.close();
    return { brought: await copies.finish(), listed };
  } finally {
    await list.close();
    await index.close();
    await older?.close();
  }
}

/**
 * What an index looks like from outside. Undefined when it was written so lately that another commit might leave it looking the same,
 * and when there is none.
 */
async function appearanceOf({ index }: AccountPlaces, now: number): Promise<string | undefined> {
  const looks: string[] = [];
  for (const path of [index, `${index}-wal`]) {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      if (now - mtimeMs < SETTLED_MS) return undefined;
      // An empty log comes and goes as the index is opened and closed.
      if (size > 0) looks.push(`${ino}:${size}:${mtimeMs}`);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
  return looks.length === 0 ? undefined : looks.join(' ');
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error;
    await copyDurably(from, to);
    await rm(from);
  }
}
