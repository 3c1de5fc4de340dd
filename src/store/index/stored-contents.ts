import { type BlobId, isBlobId } from '../blobs/blob-id.ts';
import type { StoredContent } from './index-port.ts';
import { uid } from './mailbox-record.ts';
import { uidOfMessage } from './schema.ts';

export function storedContent(
  messageId: number,
  blob: Uint8Array,
  size: number,
  layout: Uint8Array,
  header: Uint8Array | undefined,
): StoredContent {
  return { uid: uid(uidOfMessage(messageId)), blob: blobId(blob), size, layout, header };
}

/** Their octets in one piece, so that handing many to another thread is handing over one. */
export function packContents(contents: readonly StoredContent[]): readonly StoredContent[] {
  const total = contents.reduce((sum, { layout, header }) => sum + layout.length + (header?.length ?? 0), 0);
  const all = new Uint8Array(total);
  let at = 0;
  const put = (piece: Uint8Array): Uint8Array => {
    all.set(piece, at);
    at += piece.length;
    return all.subarray(at - piece.length, at);
  };
  return contents.map(content => ({
    ...content,
    layout: put(content.layout),
    header: content.header && put(content.header),
  }));
}

export function blobId(raw: Uint8Array): BlobId {
  const id = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('hex');
  if (!isBlobId(id)) throw new TypeError('the index holds no id of a blob where one was expected');
  return id;
}

export function rawBlobId(id: BlobId): Uint8Array {
  return Buffer.from(id, 'hex');
}
