import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AccountId, isAccountId } from '../mail/ids.ts';

/**
 * Where things lie below `server.data`:
 *
 *     lock.db                          held by the process that works on all this
 *     postern.db                       the catalogue of accounts
 *     accounts/AB/ACCOUNT/index.db     an account's index, AB being the first two letters of its id
 *     accounts/AB/ACCOUNT/blobs/       its messages
 *     accounts/AB/ACCOUNT/snapshots/   copies of its index
 *     replaced/TIME/ACCOUNT/           what a restore has put aside
 *     app-passwords/ACCOUNT/           passwords for single devices, a file for each
 *     identity/                        what is known of logins: refused passwords, proofs for outages, and the key of their hashes
 */
export interface DataPlaces {
  readonly root: string;
  readonly lock: string;
  readonly catalogue: string;
  readonly accounts: string;
  readonly replaced: string;
  readonly appPasswords: string;
  readonly identity: string;
}

export function dataPlaces(root: string): DataPlaces {
  return {
    root,
    lock: join(root, 'lock.db'),
    catalogue: join(root, 'postern.db'),
    accounts: join(root, 'accounts'),
    replaced: join(root, 'replaced'),
    appPasswords: join(root, 'app-passwords'),
    identity: join(root, 'identity'),
  };
}

/** Where the parts of an account lie. */
export interface AccountPlaces {
  readonly folder: string;
  readonly index: string;
  readonly blobs: string;
  readonly snapshots: string;
}

/** @param accounts the folder of all accounts, of the data or of a backup */
export function accountPlaces(accounts: string, account: AccountId): AccountPlaces {
  const folder = join(accounts, account.slice(0, 2), account);
  return {
    folder,
    index: join(folder, 'index.db'),
    blobs: join(folder, 'blobs'),
    snapshots: join(folder, 'snapshots'),
  };
}

/** All accounts that have a folder, in order; none when there is not even a folder of all. */
export async function* accountsIn(accounts: string): AsyncGenerator<AccountId> {
  for (const outer of await names(accounts)) {
    for (const name of await names(join(accounts, outer))) {
      if (isAccountId(name) && name.startsWith(outer) && outer.length === 2) yield name;
    }
  }
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
