import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AccountId } from '../../mail/ids.ts';
import { accountPlaces, accountsIn, type DataPlaces } from '../data-places.ts';
import { exists, makeFolder, syncFolder, writeFileDurably } from './durable-files.ts';
import { giveToOwner } from './ownership.ts';

/** Where restored accounts are made, until each takes its place. */
export function restoringFolder(data: DataPlaces): string {
  return join(data.root, 'restoring');
}

/** In a folder that is ready to take its place: whatever happens now, it is either put there or not needed. */
const READY = 'ready';

/**
 * Puts a restored account in its place and what was there aside, so that nothing is lost by a wrong restore. Cut off in between, the
 * account is neither here nor there; `finishSwaps` then ends it.
 * @returns where the replaced one is; undefined when there was none
 */
export async function putInPlace(data: DataPlaces, account: AccountId, time: Date): Promise<string | undefined> {
  const from = accountPlaces(restoringFolder(data), account).folder;
  const to = accountPlaces(data.accounts, account).folder;
  await writeFileDurably(join(from, READY), '');
  let aside: string | undefined;
  if (await exists(to)) {
    aside = join(data.replaced, time.toISOString().replaceAll(':', '-'), account);
    await makeFolder(dirname(aside));
    await rename(to, aside);
    await syncFolder(dirname(aside));
    await giveToOwner(data.root, data.replaced);
  }
  await settle(data, from, to);
  return aside;
}

/** Ends what a restore that was cut off has begun. Whoever takes the data folder does this first. @returns accounts put in place */
export async function finishSwaps(data: DataPlaces): Promise<number> {
  const root = restoringFolder(data);
  let settled = 0;
  for await (const account of accountsIn(root)) {
    const from = accountPlaces(root, account).folder;
    const to = accountPlaces(data.accounts, account).folder;
    if (!(await exists(join(from, READY))) || (await exists(to))) continue;
    await settle(data, from, to);
    settled += 1;
  }
  await rm(root, { recursive: true, force: true });
  return settled;
}

async function settle(data: DataPlaces, from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await giveToOwner(data.root, dirname(to));
  await rename(from, to);
  await syncFolder(dirname(to));
  await rm(join(to, READY), { force: true });
}
