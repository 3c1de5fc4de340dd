import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { AccountId } from '../mail/ids.ts';
import { DataFolderError, type DataLock, takeDataFolder } from '../store/data-lock.ts';
import { takeLock } from '../store/lock-file.ts';
import { BackupError } from '../store/upkeep/backup-folder.ts';
import { NoAccount } from './account-option.ts';
import { AdminError, callAdmin } from './admin-client.ts';

/**
 * Runs work on accounts that nobody else uses meanwhile. With the server stopped, once for all of them; with a server running, for one
 * after the other, each of which the server closes for as long.
 * @param accounts undefined: all, for which the server must be stopped
 * @throws DataFolderError, AdminError
 */
export async function onClosedAccounts(
  { server, admin }: Config,
  accounts: ReadonlySet<AccountId> | undefined,
  work: (root: string, accounts: ReadonlySet<AccountId> | undefined) => Promise<void>,
): Promise<void> {
  const lock = takenOrServed(server.data);
  if (lock) {
    try {
      return await work(lock.root, accounts);
    } finally {
      lock.release();
    }
  }
  if (!accounts) {
    throw new DataFolderError('taken', `a server works in ${server.data}`, 'stop it, or name accounts with --account');
  }
  const turn = takeLock(join(server.data, 'upkeep.db'));
  if (turn === 'taken') throw new AdminError('another restore or repair is under way');
  try {
    for (const account of accounts) {
      await whileHeld(admin.socket, account, () => work(server.data, new Set([account])));
    }
  } finally {
    turn.release();
  }
}

/** Undefined: a server works in it. */
function takenOrServed(root: string): DataLock | undefined {
  try {
    return takeDataFolder(root);
  } catch (error) {
    if (error instanceof DataFolderError && error.kind === 'taken') return undefined;
    throw error;
  }
}

/** The running server keeps everybody out of the account, until this says that it is done, or is gone. */
async function whileHeld(socket: string, account: AccountId, work: () => Promise<void>): Promise<void> {
  const held = Promise.withResolvers<void>();
  const ended = callAdmin(socket, { command: 'hold-account', account }, () => held.resolve());
  ended.catch(held.reject);
  await held.promise;
  try {
    await work();
  } finally {
    await callAdmin(socket, { command: 'release-account', account });
    await ended;
  }
}

/** What an administrator or a disk did: told without a stack. */
export function isForPeople(error: unknown): error is Error {
  const known = [BackupError, DataFolderError, NoAccount, AdminError];
  return known.some(kind => error instanceof kind) || (error instanceof Error && 'syscall' in error);
}
