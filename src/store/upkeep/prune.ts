import { rm } from 'node:fs/promises';
import { isAccountId } from '../../mail/ids.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import { placeOf } from '../blobs/blob-places.ts';
import { accountPlaces, accountsIn } from '../data-places.ts';
import { type BackupFolder, type Manifest, readManifest } from './backup-folder.ts';
import { readBlobList } from './blob-list.ts';
import { blobsIn } from './blobs-in.ts';

/**
 * Removes all but the newest runs, and the messages that only the removed ones had. An account that is there and was left out of newer
 * runs (because it could not be read, say) keeps as many runs of its own.
 * @param accounts the folder of all accounts that are there
 * @returns how many runs were removed
 */
export async function keepNewest(folder: BackupFolder, accounts: string, keep: number): Promise<number> {
  const names = (await folder.wholeRuns()).toReversed();
  const manifests = new Map<string, Manifest>();
  for (const name of names) manifests.set(name, await readManifest(folder.run(name)));
  const kept = new Set(names.slice(0, keep));
  for await (const account of accountsIn(accounts)) {
    const having = names.filter(name => manifests.get(name)?.accounts.has(account));
    for (const name of having.slice(0, keep)) kept.add(name);
  }
  const removed = names.filter(name => !kept.has(name));
  const touched = new Set(removed.flatMap(name => [...(manifests.get(name)?.accounts.keys() ?? [])]));
  for (const name of removed) await folder.removeRun(name);
  for (const account of touched) {
    if (isAccountId(account)) await removeUnlisted(folder, account, [...kept], manifests);
  }
  return removed.length;
}

async function removeUnlisted(
  folder: BackupFolder,
  account: Parameters<typeof accountPlaces>[1],
  kept: readonly string[],
  manifests: ReadonlyMap<string, Manifest>,
): Promise<void> {
  const listed = new Set<BlobId>();
  for (const name of kept) {
    if (!manifests.get(name)?.accounts.has(account)) continue;
    for await (const { blob } of readBlobList(folder.run(name).account(account).list)) listed.add(blob);
  }
  const { folder: whole, blobs } = accountPlaces(folder.accounts, account);
  if (listed.size === 0) return rm(whole, { recursive: true, force: true });
  for await (const blob of blobsIn(blobs)) {
    if (!listed.has(blob)) await rm(placeOf(blobs, blob).file, { force: true });
  }
}
