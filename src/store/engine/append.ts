import type { MailboxId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Appended, NewMessage } from '../../mail/message.ts';
import { rangesOf } from '../../mail/uid-ranges.ts';
import { abortable } from '../blobs/abortable.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import type { NewRow } from '../index/index-port.ts';
import { arriving } from './arriving.ts';
import { onBlobs } from './failures.ts';
import { MessageReading } from './message-reading.ts';
import type { OpenAccount } from './open-account.ts';

const EMAIL_ID_OCTETS = 15;

/**
 * Adds messages to a mailbox, all or none: each becomes a blob while it arrives, then one transaction names them all. Blobs of an append
 * that fails are deleted; until it ends, the sweep leaves them alone.
 */
export async function append(
  account: OpenAccount,
  name: string,
  messages: AsyncIterable<NewMessage>,
  signal: AbortSignal,
): Promise<Appended> {
  const mailbox = await target(account, name);
  const blobs: BlobId[] = [];
  try {
    const rows: NewRow[] = [];
    for await (const message of abortable(messages, signal)) {
      await checkRoom(account, message, rows.length);
      rows.push(await keep(account, message, signal, blobs));
    }
    return await commit(account, mailbox, rows);
  } catch (error) {
    await discard(account, blobs);
    throw error;
  } finally {
    for (const blob of blobs) account.inFlight.delete(blob);
  }
}

async function target({ index }: OpenAccount, name: string): Promise<MailboxId> {
  try {
    return (await index.find(name)).id;
  } catch (error) {
    throw asTarget(error);
  }
}

/** The same of the mailbox that is appended to: creating it would help. */
function asTarget(error: unknown): unknown {
  const missing = error instanceof MailError && (error.kind === 'nonexistent' || error.kind === 'gone');
  return missing ? new MailError('no-target', error.message, { cause: error }) : error;
}

async function checkRoom({ id, settings, room }: OpenAccount, { size }: NewMessage, before: number): Promise<void> {
  const { appendMost, messageMost } = settings;
  if (before >= appendMost) throw new MailError('limit', `an append of more than ${appendMost} messages`);
  if (size > messageMost) throw new MailError('too-big', `a message of ${size} octets; ${messageMost} are the most`);
  await room(id, size);
}

async function keep(account: OpenAccount, message: NewMessage, signal: AbortSignal, kept: BlobId[]): Promise<NewRow> {
  const { blobs, settings, now, random } = account;
  const reading = new MessageReading(settings.headerMost);
  const { id, sha256 } = await onBlobs(() => blobs.put(arriving(message, reading, signal), { signal }));
  kept.push(id);
  account.inFlight.add(id);
  return {
    ...reading.finish(),
    blob: id,
    sha256,
    flags: message.flags,
    time: message.date.time,
    zone: message.date.zone,
    saveTime: now(),
    emailId: `M${Buffer.from(random(EMAIL_ID_OCTETS)).toString('base64url')}`,
  };
}

async function commit(account: OpenAccount, mailbox: MailboxId, rows: readonly NewRow[]): Promise<Appended> {
  try {
    const { uidValidity, first, at } = await account.index.append(mailbox, rows);
    account.changed(mailbox, at);
    return { uidValidity, uids: rangesOf(rows.map((_, place) => first + place)), at };
  } catch (error) {
    account.notes.forget(mailbox);
    throw asTarget(error);
  }
}

/** Never throws: the first error is the one to tell. What cannot be decided now is left to the sweep. */
async function discard(account: OpenAccount, blobs: readonly BlobId[]): Promise<void> {
  if (blobs.length === 0) return;
  try {
    // A commit whose answer was lost has happened all the same.
    const known = await account.index.known(blobs);
    await Promise.all(blobs.filter(blob => !known.has(blob)).map(blob => account.blobs.delete(blob)));
  } catch (error) {
    account.straysAt = Math.min(account.straysAt, account.now() + account.settings.longestAppend);
    account.dueAt = 0;
    account.log.warn({ account: account.id, err: error }, 'blobs of a failed append are left to the sweep');
  }
}
