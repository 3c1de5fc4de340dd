import type { Config } from '../config/schema.ts';
import { DataFolderError, type DataLock, takeDataFolder } from '../store/data-lock.ts';
import { BackupError } from '../store/upkeep/backup-folder.ts';
import { NoAccount } from './account-option.ts';
import { AdminError } from './admin-client.ts';

/** Takes the data folder for a command that no server may run beside. @throws DataFolderError */
export function takeStoppedData({ server }: Config): DataLock {
  try {
    return takeDataFolder(server.data);
  } catch (error) {
    if (!(error instanceof DataFolderError) || error.kind !== 'taken') throw error;
    throw new DataFolderError('taken', error.message.split(';', 1)[0] ?? '', 'stop the server first');
  }
}

/** What an administrator or a disk did: told without a stack. */
export function isForPeople(error: unknown): error is Error {
  const known = [BackupError, DataFolderError, NoAccount, AdminError];
  return known.some(kind => error instanceof kind) || (error instanceof Error && 'syscall' in error);
}
