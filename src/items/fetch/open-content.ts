import { MailError } from '../../mail/mail-error.ts';
import type { ContentHandle } from '../../mail/message.ts';
import type { RowPage } from '../../mail/rows.ts';
import { rangesOf } from '../../mail/uid-ranges.ts';
import type { MailSession } from '../../session/contract.ts';
import type { ContentPart } from '../fetch-item.ts';

export interface Opened {
  readonly size: number;
  /** Exactly `size` octets. @throws MailError `damaged` when there are not as many, and what reading throws */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Opens what an item reads, and reads the first of it: what cannot be read at all is known before its size is told.
 * @returns undefined: there is no such thing, or no such message any more
 * @throws MailError
 */
export async function openContent(
  { selected: { mailbox }, signal }: MailSession,
  content: ContentPart,
  page: RowPage,
  row: number,
): Promise<Opened | undefined> {
  const handle = page.contents?.[row] ?? (await findHandle());
  const octets = handle && (await content.open(mailbox, handle, signal));
  if (!octets) return undefined;
  const { size } = octets;
  const chunks = octets.read()[Symbol.asyncIterator]();
  const first = await chunks.next();
  return { size, chunks: counted(first, chunks, size) };

  /** Of a row of which the header only was asked, and is too large to come with it. */
  async function findHandle(): Promise<ContentHandle | undefined> {
    for await (const { contents } of mailbox.rows(rangesOf([page.uids[row] ?? 0]), ['content'], signal)) {
      if (contents?.[0]) return contents[0];
    }
    return undefined;
  }
}

async function* counted(
  first: IteratorResult<Uint8Array>,
  chunks: AsyncIterator<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void> {
  let left = size;
  try {
    for (let next = first; !next.done; next = await chunks.next()) {
      left -= next.value.length;
      if (left < 0) break;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
  if (left !== 0)
    throw new MailError('damaged', `of ${size} octets ${Math.abs(left)} are ${left > 0 ? 'missing' : 'too many'}`);
}
