import { mailError, onBlobs } from './failures.ts';
import type { OpenAccount } from './open-account.ts';

const PAGE = 500;

export interface Swept {
  /** Blobs deleted to which nothing referred any more. */
  readonly unreferenced: number;
  /** Blobs deleted that the index never knew: what a crash left of appends. */
  readonly unknown: number;
}

/**
 * Deletes blobs that nothing needs. One to which nothing refers goes after the grace period, in which a backup or a slow reader may
 * finish with it: first the blob, then the index's memory of it, so that a cut between the two leaves something to find. One that
 * the index does not know goes when it is older than any append that may still name it.
 */
export async function sweep(account: OpenAccount): Promise<Swept> {
  // One at a time: a second one that is asked for meanwhile is answered by the first.
  account.sweeping ??= run(account).finally(() => {
    account.sweeping = undefined;
  });
  return account.sweeping;
}

async function run(account: OpenAccount): Promise<Swept> {
  const unreferenced = await sweepUnreferenced(account);
  const unknown = await sweepUnknown(account);
  if (unreferenced + unknown > 0) {
    account.log.info({ account: account.id, unreferenced, unknown }, 'blobs swept');
  }
  return { unreferenced, unknown };
}

/** @returns how many were deleted */
export async function sweepUnreferenced({ index, blobs, settings, now }: OpenAccount): Promise<number> {
  const before = now() - settings.sweepGrace;
  let swept = 0;
  for (;;) {
    const page = await index.unreferenced(before, PAGE);
    if (page.length === 0) return swept;
    await onBlobs(() => Promise.all(page.map(id => blobs.delete(id))));
    await index.forget(page);
    swept += page.length;
  }
}

async function sweepUnknown(account: OpenAccount): Promise<number> {
  const { index, blobs, inFlight, settings, now } = account;
  const olderThan = now() - settings.longestAppend;
  let swept = 0;
  try {
    for await (const page of blobs.list({ olderThan, pageSize: PAGE })) {
      // In flight and named by the index between these two looks is no harm: it is known then.
      const old = page.filter(id => !inFlight.has(id));
      const known = await index.known(old);
      const stray = old.filter(id => !known.has(id) && !inFlight.has(id));
      await onBlobs(() => Promise.all(stray.map(id => blobs.delete(id))));
      swept += stray.length;
    }
  } catch (error) {
    throw mailError(error);
  }
  return swept;
}
