import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AccountId } from '../../mail/ids.ts';
import { ThreadClient, type ThreadLog } from '../index/thread-client.ts';
import type { AccountOwner, AccountRecord, Catalogue } from './catalogue.ts';
import type { CatalogueCall } from './catalogue-calls.ts';

/** The catalogue in a SQLite file, in a thread of its own. The file is made at the first call; its folder must be there. */
export function openSqliteCatalogue(path: string, options: { readonly log?: ThreadLog } = {}): Catalogue {
  const start = () =>
    // The file beside this one, by the ending this one has.
    new Worker(new URL(`./catalogue-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: { path },
      name: 'postern-catalogue',
    });
  const thread = new ThreadClient<CatalogueCall>({ start, ...options });
  return {
    record: (account: AccountId, owner: AccountOwner) => thread.carry<void>({ kind: 'record', account, owner }),
    find: account => thread.carry<AccountRecord | undefined>({ kind: 'find', account }),
    findByLogin: login => thread.carry<readonly AccountRecord[]>({ kind: 'login', login }),
    list: (after, limit) => thread.carry<readonly AccountRecord[]>({ kind: 'list', after, limit }),
    forget: account => thread.carry<void>({ kind: 'forget', account }),
    copyTo: copy => thread.carry<void>({ kind: 'copy', path: copy }),
    close: () => thread.close(),
  };
}
