import { rm } from 'node:fs/promises';
import { type AccountId, isAccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { accountPlaces, type DataPlaces } from '../data-places.ts';
import { type Index, UNSOUND } from '../index/index-port.ts';
import { type AccountEntry, BackupError, type BackupFolder, type RunPlaces, readManifest } from './backup-folder.ts';
import { checkBlob } from './blob-check.ts';
import { BlobCopies } from './blob-copies.ts';
import { type ListedBlob, readBlobList } from './blob-list.ts';
import { checksumOf } from './checksum.ts';
import { copyDurably, makeFolder, syncFolder } from './durable-files.ts';
import { giveToOwner } from './ownership.ts';
import { finishSwaps, putInPlace, restoringFolder } from './swap.ts';
import { lastValidity } from './validity.ts';

/** What a restore works with. Nobody else works in the data folder. */
export interface RestoreJob {
  readonly data: DataPlaces;
  readonly folder: BackupFolder;
  readonly openIndex: (accounts: string) => Index;
  /** The run to take; by default the newest one that has the account. */
  readonly run?: string;
  /** Only these; all by default. */
  readonly accounts?: ReadonlySet<AccountId>;
  readonly link: boolean;
  readonly now?: () => number;
  readonly signal?: AbortSignal;
  readonly onAccount?: (done: AccountRestore) => void;
}

export interface AccountRestore {
  readonly account: AccountId;
  readonly outcome: 'restored' | 'failed';
  readonly run: string;
  readonly messages?: number;
  /** Contents that neither the backup nor the account has sound: their messages are there, and cannot be read. */
  readonly unreadable?: number;
  /** Where what was there before is now. */
  readonly aside?: string;
  /** Why it failed. */
  readonly problem?: string;
}

/**
 * Makes accounts what they were at a run. Each is built beside its place and put there at once; what was there is put aside. Every
 * mailbox gets a new UIDVALIDITY: UIDs given out since then may name other messages (RFC 9051 §2.3.1.1).
 * @returns accounts restored, and those that were not
 * @throws BackupError when there is nothing to restore from
 */
export async function restore(job: RestoreJob): Promise<{ restored: number; failed: number }> {
  const { data, folder, signal, accounts } = job;
  await finishSwaps(data);
  const sources = await sourcesOf(folder, job.run);
  const wanted = accounts ? [...accounts] : [...sources.keys()];
  const sum = { restored: 0, failed: 0 };
  for (const account of wanted) {
    signal?.throwIfAborted();
    const source = sources.get(account);
    if (!source) throw new BackupError(`the backup has no account ${account}`);
    let done: AccountRestore;
    try {
      done = await restoreAccount(account, source, job);
      sum.restored += 1;
    } catch (error) {
      if (!(error instanceof BackupError || error instanceof MailError || error instanceof TypeError)) throw error;
      done = { account, outcome: 'failed', run: source.place.name, problem: error.message };
      sum.failed += 1;
    }
    job.onAccount?.(done);
  }
  return sum;
}

interface Source {
  readonly place: RunPlaces;
  readonly entry: AccountEntry;
}

/** From where each account is restored. */
async function sourcesOf(folder: BackupFolder, run: string | undefined): Promise<ReadonlyMap<AccountId, Source>> {
  const runs = await folder.wholeRuns();
  if (run !== undefined && !runs.includes(run)) {
    throw new BackupError(`there is no run ${run}; there are ${runs.join(', ') || 'none'}`);
  }
  const sources = new Map<AccountId, Source>();
  for (const name of run === undefined ? runs : [run]) {
    const place = folder.run(name);
    for (const [account, entry] of (await readManifest(place)).accounts) {
      if (isAccountId(account)) sources.set(account, { place, entry });
    }
  }
  if (sources.size === 0) throw new BackupError(`${folder.root} holds no account`);
  return sources;
}

async function restoreAccount(account: AccountId, { place, entry }: Source, job: RestoreJob): Promise<AccountRestore> {
  const { data, openIndex, now = Date.now } = job;
  const from = place.account(account);
  if ((await checksumOf(from.index)) !== entry.index || (await checksumOf(from.list)) !== entry.list) {
    throw new BackupError(`the copy of ${place.name} is damaged; take another run`);
  }
  const root = restoringFolder(data);
  const to = accountPlaces(root, account);
  await rm(to.folder, { recursive: true, force: true });
  await makeFolder(to.blobs);
  await copyDurably(from.index, to.index);
  const unreadable = await bringListed(account, from.list, to.blobs, job);
  const after = await lastValidity(openIndex(data.accounts), account);
  const messages = await renew(openIndex(root), account, after);
  await syncFolder(to.folder);
  await giveToOwner(data.root, to.folder);
  const aside = await putInPlace(data, account, new Date(now()));
  return {
    account,
    outcome: 'restored',
    run: place.name,
    messages,
    unreadable,
    ...(aside !== undefined && { aside }),
  };
}

/** From the backup, or from the account itself what is damaged there. @returns contents that neither has */
async function bringListed(
  account: AccountId,
  list: string,
  to: string,
  { data, folder, link, signal }: RestoreJob,
): Promise<number> {
  const live = accountPlaces(data.accounts, account).blobs;
  const kept = accountPlaces(folder.accounts, account).blobs;
  const fromBackup = new BlobCopies(kept, to, link);
  const fromLive = new BlobCopies(live, to, link);
  let unreadable = 0;
  const sound = async (root: string, { blob, sha256 }: ListedBlob) =>
    (await checkBlob(root, blob, sha256, 'ends')) === 'sound';
  for await (const listed of readBlobList(list)) {
    signal?.throwIfAborted();
    if (await sound(kept, listed)) await fromBackup.bring(listed.blob);
    else if (await sound(live, listed)) await fromLive.bring(listed.blob);
    else unreadable += 1;
  }
  await fromBackup.finish();
  await fromLive.finish();
  return unreadable;
}

/** @returns how many messages it has */
async function renew(index: Index, account: AccountId, after: number): Promise<number> {
  try {
    const opened = await index.open(account);
    const fault = (await opened.verify()).find(found => found.startsWith(UNSOUND));
    if (fault !== undefined) throw new BackupError(`the copy is damaged: ${fault}`);
    await opened.renew(after);
    let messages = 0;
    for (const { id, name } of await opened.mailboxes()) {
      if (id !== undefined) messages += (await opened.find(name)).exists;
    }
    await opened.close();
    return messages;
  } finally {
    await index.close();
  }
}
