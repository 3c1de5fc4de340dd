import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Blobs } from '../blobs/blobs.ts';
import { type AccountPlaces, accountPlaces, accountsIn, type DataPlaces } from '../data-places.ts';
import { type Index, type NewMailbox, UNSOUND } from '../index/index-port.ts';
import { copyDurably, exists, makeFolder, syncFolder } from './durable-files.ts';
import { snapshotsOf } from './index-snapshots.ts';
import { expungeMessagesOf, findWanting } from './missing-contents.ts';
import { giveToOwner } from './ownership.ts';
import { recoverBlobs } from './recovered.ts';
import { finishSwaps } from './swap.ts';
import { lastValidity } from './validity.ts';

/** What a repair works with. Nobody else works in the accounts meanwhile. */
export interface RepairJob {
  readonly data: DataPlaces;
  /** Opens the indexes in a folder of accounts. */
  readonly openIndex: (accounts: string) => Index;
  /** Opens the blobs in a folder. */
  readonly openBlobs: (folder: string) => Promise<Blobs>;
  /** What an account has besides INBOX that is made from nothing. */
  readonly mailboxes: readonly NewMailbox[];
  /** Only these; all by default. */
  readonly accounts?: ReadonlySet<AccountId>;
  /** Only tells what is wrong. */
  readonly look: boolean;
  /** Reads every octet of every message, too. */
  readonly deep: boolean;
  /** Makes the index anew although it can be read, because its owner does not trust it. */
  readonly rebuild: boolean;
  readonly now?: () => number;
  readonly signal?: AbortSignal;
  readonly onAccount?: (done: AccountRepair) => void;
}

export interface AccountRepair {
  readonly account: AccountId;
  /**
   * - `sound`: nothing is wrong
   * - `faulty`: something is, and nothing was done
   * - `repaired`: the index was made anew
   * - `failed`: it could not be
   */
  readonly outcome: 'sound' | 'faulty' | 'repaired' | 'failed';
  /** What is wrong, or was. */
  readonly faults: readonly string[];
  /** When the snapshot was made that the index was made from, in milliseconds since 1970; absent: from the messages alone. */
  readonly snapshot?: number;
  /** Messages put into `Recovered`. */
  readonly recovered?: number;
  /** Messages of the snapshot whose contents are gone: deleted since, or lost. */
  readonly dropped?: number;
  /** Where the index is that was replaced. */
  readonly aside?: string;
}

/** Counts that do not add up are worth telling, and no reason to make an index anew. */
function isUnsound(fault: string): boolean {
  return fault.startsWith(UNSOUND);
}

/** Looks at accounts, and makes anew the indexes that cannot be read. */
export async function repair(job: RepairJob): Promise<Record<AccountRepair['outcome'], number>> {
  const { data, accounts, signal } = job;
  if (!job.look) await finishSwaps(data);
  const sum = { sound: 0, faulty: 0, repaired: 0, failed: 0 };
  for await (const account of accountsIn(data.accounts)) {
    if (accounts && !accounts.has(account)) continue;
    signal?.throwIfAborted();
    const done = await repairAccount(account, job);
    sum[done.outcome] += 1;
    job.onAccount?.(done);
  }
  return sum;
}

async function repairAccount(account: AccountId, job: RepairJob): Promise<AccountRepair> {
  let faults: readonly string[] = [];
  try {
    const found = await examine(account, job);
    faults = found.faults;
    if (found.readable && !job.rebuild) return { account, outcome: faults.length === 0 ? 'sound' : 'faulty', faults };
    if (job.look) return { account, outcome: 'faulty', faults };
    return { account, outcome: 'repaired', faults, ...(await makeAnew(account, job)) };
  } catch (error) {
    if (job.signal?.aborted) throw error;
    // One account that cannot be mended must not keep the others from it.
    const reason = error instanceof Error ? error.message : String(error);
    return { account, outcome: 'failed', faults: [...faults, reason] };
  }
}

async function examine(account: AccountId, job: RepairJob): Promise<{ readable: boolean; faults: readonly string[] }> {
  const places = accountPlaces(job.data.accounts, account);
  if (!(await exists(places.index))) return { readable: false, faults: ['the index is not there'] };
  const index = job.openIndex(job.data.accounts);
  try {
    const opened = await index.open(account);
    const faults = [...(await opened.verify())];
    const { missing, damaged } = await findWanting(opened, places.blobs, job.deep ? 'all' : 'ends', job.signal);
    for (const blob of missing) faults.push(`the content ${blob} is not there`);
    for (const blob of damaged) faults.push(`the content ${blob} is damaged`);
    await opened.close();
    return { readable: !faults.some(isUnsound), faults };
  } catch (error) {
    // A later version's index, say, is not to be touched by this one.
    if (!(error instanceof MailError && error.kind === 'damaged')) throw error;
    return { readable: false, faults: [error.message] };
  } finally {
    await index.close();
  }
}

/** Makes the index in a folder of its own, so that a repair that is cut off has changed nothing. */
async function makeAnew(account: AccountId, job: RepairJob): Promise<Partial<AccountRepair>> {
  const { data, openIndex, now = Date.now, signal } = job;
  const live = accountPlaces(data.accounts, account);
  const root = join(data.root, 'repairing');
  const made = accountPlaces(root, account);
  await rm(made.folder, { recursive: true, force: true });
  await makeFolder(made.folder);
  const after = await lastValidity(openIndex(data.accounts), account);
  const snapshot = await takeSnapshot(account, live, root, made, job);
  const index = openIndex(root);
  const blobs = await job.openBlobs(live.blobs);
  let dropped: number;
  let recovered: number;
  try {
    const opened = await index.open(account, snapshot === undefined ? { mailboxes: job.mailboxes } : undefined);
    const { missing } = await findWanting(opened, live.blobs, 'ends', signal);
    dropped = await expungeMessagesOf(opened, missing);
    recovered = (await recoverBlobs(opened, blobs, now(), signal)).messages;
    await opened.renew(after);
    const fault = (await opened.verify()).find(isUnsound);
    if (fault !== undefined) throw new MailError('damaged', `the index made anew is wrong: ${fault}`);
    await opened.close();
  } finally {
    await index.close();
    await blobs.close();
  }
  await giveToOwner(data.root, made.folder);
  const aside = await replaceIndex(live, made, new Date(now()));
  await giveToOwner(data.root, live.folder);
  await rm(root, { recursive: true, force: true });
  return { ...(snapshot !== undefined && { snapshot }), dropped, recovered, ...(aside !== undefined && { aside }) };
}

/** Begins with the newest snapshot that is sound. @returns its time; undefined: there is none */
async function takeSnapshot(
  account: AccountId,
  live: AccountPlaces,
  root: string,
  made: AccountPlaces,
  job: RepairJob,
): Promise<number | undefined> {
  for (const { path, time } of await snapshotsOf(live)) {
    await copyDurably(path, made.index);
    const index = job.openIndex(root);
    try {
      const opened = await index.open(account);
      const faults = await opened.verify();
      await opened.close();
      if (!faults.some(isUnsound)) return time;
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
    } finally {
      await index.close();
    }
    await rm(made.folder, { recursive: true, force: true });
    await makeFolder(made.folder);
  }
  return undefined;
}

/** Cut off in between, there is no index; the account is then damaged as before, and repaired by another try. */
async function replaceIndex(live: AccountPlaces, made: AccountPlaces, time: Date): Promise<string | undefined> {
  const aside = join(live.folder, `damaged-${time.toISOString().replaceAll(':', '-')}`);
  let moved = false;
  await mkdir(aside, { mode: 0o700 });
  for (const end of ['', '-wal', '-shm']) {
    if (!(await exists(`${live.index}${end}`))) continue;
    await rename(`${live.index}${end}`, join(aside, `index.db${end}`));
    moved = true;
  }
  await rename(made.index, live.index);
  await syncFolder(live.folder);
  if (moved) return aside;
  await rm(aside, { recursive: true });
  return undefined;
}
