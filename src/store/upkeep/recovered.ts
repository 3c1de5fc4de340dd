import { randomBytes } from 'node:crypto';
import { MailError } from '../../mail/mail-error.ts';
import { type BlobId, blobTime } from '../blobs/blob-id.ts';
import { BlobError, type Blobs } from '../blobs/blobs.ts';
import { MessageReading } from '../engine/message-reading.ts';
import type { AccountIndex, NewRow } from '../index/index-port.ts';

/** The mailbox for messages of which nobody knows any more where they were. */
export const RECOVERED = 'Recovered';

/** Rows that go into the index together. */
const BATCH = 100;
/** As the engine keeps them. */
const HEADER_MOST = 256 * 1024;

export interface RecoveredBlobs {
  /** Messages added. */
  readonly messages: number;
  /** Blobs that are there and cannot be read. */
  readonly damaged: readonly BlobId[];
}

/**
 * Adds a message to `Recovered` for every blob that the index has never heard of. What was known of them besides their octets is lost:
 * they are unseen, and dated when they were kept.
 * @throws MailError, BlobError
 */
export async function recoverBlobs(
  index: AccountIndex,
  blobs: Blobs,
  now: number,
  signal?: AbortSignal,
): Promise<RecoveredBlobs> {
  const damaged: BlobId[] = [];
  let messages = 0;
  let rows: NewRow[] = [];
  const flush = async () => {
    if (rows.length === 0) return;
    await index.append(await mailboxOf(index), rows);
    messages += rows.length;
    rows = [];
  };
  for await (const page of blobs.list(signal ? { signal } : {})) {
    const known = await index.known(page);
    for (const blob of page) {
      if (known.has(blob)) continue;
      const row = await readRow(blobs, blob, now, signal);
      if (row) rows.push(row);
      else damaged.push(blob);
      if (rows.length >= BATCH) await flush();
    }
  }
  await flush();
  return { messages, damaged };
}

async function mailboxOf(index: AccountIndex) {
  try {
    return (await index.find(RECOVERED)).id;
  } catch (error) {
    if (!(error instanceof MailError) || error.kind !== 'nonexistent') throw error;
  }
  await index.edit({ kind: 'create', name: RECOVERED });
  await index.edit({ kind: 'subscribe', name: RECOVERED });
  return (await index.find(RECOVERED)).id;
}

/** Undefined: the blob is damaged. */
async function readRow(blobs: Blobs, blob: BlobId, now: number, signal?: AbortSignal): Promise<NewRow | undefined> {
  const reading = new MessageReading(HEADER_MOST);
  try {
    const about = await blobs.stat(blob);
    if (!about) return undefined;
    for await (const chunk of blobs.read(blob, {}, signal)) reading.push(chunk);
    return {
      ...reading.finish(),
      blob,
      sha256: about.sha256,
      flags: [],
      time: Math.floor(blobTime(blob) / 1000) * 1000,
      zone: 0,
      saveTime: now,
      // As the engine makes them.
      emailId: `M${randomBytes(15).toString('base64url')}`,
    };
  } catch (error) {
    if (
      error instanceof BlobError &&
      (error.kind === 'damaged' || error.kind === 'newer' || error.kind === 'missing')
    ) {
      return undefined;
    }
    throw error;
  }
}
