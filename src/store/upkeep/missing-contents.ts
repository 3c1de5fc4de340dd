import type { MailboxId, Uid } from '../../mail/ids.ts';
import { rangesOf, type UidRanges } from '../../mail/uid-ranges.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import type { AccountIndex } from '../index/index-port.ts';
import { checkBlob } from './blob-check.ts';
import { referencesOf } from './blob-list.ts';

const PAGE = 1000;

/** Contents that an index refers to and that are not to be had. */
export interface Wanting {
  readonly missing: ReadonlySet<BlobId>;
  readonly damaged: ReadonlySet<BlobId>;
}

/** Looks at every blob that an index refers to. @param depth as for `checkBlob` */
export async function findWanting(
  index: AccountIndex,
  blobs: string,
  depth: 'ends' | 'all',
  signal?: AbortSignal,
): Promise<Wanting> {
  const missing = new Set<BlobId>();
  const damaged = new Set<BlobId>();
  for await (const { blob, sha256 } of referencesOf(index)) {
    signal?.throwIfAborted();
    const state = await checkBlob(blobs, blob, sha256, depth);
    if (state === 'missing') missing.add(blob);
    else if (state === 'damaged') damaged.add(blob);
  }
  return { missing, damaged };
}

/** Expunges the messages whose contents are among the blobs. @returns how many */
export async function expungeMessagesOf(index: AccountIndex, blobs: ReadonlySet<BlobId>): Promise<number> {
  if (blobs.size === 0) return 0;
  let gone = 0;
  for (const { id } of await index.mailboxes()) {
    if (id === undefined) continue;
    const uids = await uidsOf(index, id, blobs);
    if (uids.length === 0) continue;
    const ranges = rangesOf(uids);
    const { at } = await index.snapshot(id, false);
    await index.setFlags(id, ranges, { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at });
    gone += (await index.expunge(id, ranges)).count;
  }
  return gone;
}

async function uidsOf(index: AccountIndex, mailbox: MailboxId, blobs: ReadonlySet<BlobId>): Promise<readonly Uid[]> {
  const { uidNext } = await index.snapshot(mailbox, false);
  const all: UidRanges = [[1 as Uid, uidNext]];
  const uids: Uid[] = [];
  let after: Uid | undefined = 0 as Uid;
  while (after !== undefined) {
    const page: Awaited<ReturnType<AccountIndex['rows']>> = await index.rows(mailbox, all, ['content'], after, PAGE);
    for (const { uid, blob } of page.contents ?? []) if (blobs.has(blob)) uids.push(uid);
    after = page.next;
  }
  return uids;
}
