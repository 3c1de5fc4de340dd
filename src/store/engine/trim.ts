import type { ModSeq } from '../../mail/ids.ts';
import type { OpenAccount } from './open-account.ts';

/** Modseqs are not less than the microseconds since 1970 when they are given out. */
const MODSEQS_PER_MS = 1000;

/** Forgets what was expunged long ago, but nothing that an open mailbox has not been told of. */
export async function trim({ index, leases, settings, now }: OpenAccount): Promise<void> {
  const old = Math.floor((now() - settings.tombstonesKept) * MODSEQS_PER_MS);
  for (const { id } of await index.mailboxes()) {
    if (id !== undefined) await index.trim(id, bounded(old, leases.oldest(id)));
  }
}

function bounded(old: number, leased: ModSeq | undefined): ModSeq {
  return Math.max(0, Math.min(old, leased ?? old)) as ModSeq;
}
