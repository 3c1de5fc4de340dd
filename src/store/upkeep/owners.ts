import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountId } from '../../mail/ids.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { RunPlaces } from './backup-folder.ts';
import { exists } from './durable-files.ts';

/** Copies the catalogue of accounts into a run, if there is one. @throws MailError */
export async function keepOwners(path: string, open: (path: string) => Catalogue, run: RunPlaces): Promise<void> {
  if (!(await exists(path))) return;
  const catalogue = open(path);
  try {
    await catalogue.copyTo(join(run.folder, 'postern.db'));
  } finally {
    await catalogue.close();
  }
}

/** Says again whose restored accounts are that the catalogue does not know, as the run had it. @throws MailError */
export async function bringOwners(
  accounts: readonly AccountId[],
  run: RunPlaces,
  open: (path: string) => Catalogue,
  live: Catalogue,
): Promise<void> {
  const kept = join(run.folder, 'postern.db');
  if (accounts.length === 0 || !(await exists(kept))) return;
  // Opening it may change it, and a backup is not to be changed.
  const scratch = await mkdtemp(join(tmpdir(), 'postern-owners-'));
  const copy = join(scratch, 'postern.db');
  await copyFile(kept, copy);
  const catalogue = open(copy);
  try {
    for (const account of accounts) {
      const owner = await catalogue.find(account);
      if (owner && !(await live.find(account))) await live.record(account, owner);
    }
  } finally {
    await catalogue.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
