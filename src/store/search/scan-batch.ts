import type { Query } from '../../mail/query.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import type { StoredContent } from '../index/index-port.ts';

/** A message, and what is left to be asked of it. */
export interface ScanItem {
  readonly content: Pick<StoredContent, 'blob' | 'layout' | 'header'>;
  /** One object for all messages of which the same is left. */
  readonly residual: Query;
}

/** Some items on their way to a thread: what they know of their messages lies in one piece, which is handed over. */
export interface ScanBatch {
  readonly directory: string;
  readonly residuals: readonly Query[];
  /** Place in `residuals`. */
  readonly asked: Uint32Array;
  readonly blobs: readonly BlobId[];
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Where layouts and headers end in `octets`: of each item its layout, then its header; of an absent header -1. */
  readonly ends: Int32Array;
  /** Not 0: nobody waits for the answer any more. */
  readonly abandoned: Int32Array<SharedArrayBuffer>;
}

/** What a thread found. */
export interface ScanAnswer {
  /** 1: matches. */
  readonly matches: Uint8Array;
  /** Messages, by their places in the batch, whose octets could not be read, and why. */
  readonly unreadable: readonly { readonly item: number; readonly reason: string }[];
}

export function packBatch(
  directory: string,
  items: readonly ScanItem[],
  abandoned: Int32Array<SharedArrayBuffer>,
): ScanBatch {
  const residuals = new Map<Query, number>();
  const asked = new Uint32Array(items.length);
  const size = items.reduce((sum, { content }) => sum + content.layout.length + (content.header?.length ?? 0), 0);
  const octets = new Uint8Array(size);
  const ends = new Int32Array(2 * items.length);
  let at = 0;
  for (const [place, { content, residual }] of items.entries()) {
    const number = residuals.get(residual) ?? residuals.size;
    residuals.set(residual, number);
    asked[place] = number;
    octets.set(content.layout, at);
    at += content.layout.length;
    ends[2 * place] = at;
    if (content.header) octets.set(content.header, at);
    at += content.header?.length ?? 0;
    ends[2 * place + 1] = content.header ? at : -1;
  }
  const blobs = items.map(({ content }) => content.blob);
  return { directory, residuals: [...residuals.keys()], asked, blobs, octets, ends, abandoned };
}

/** The layouts and headers of a batch, in their order. */
export function* unpacked({ octets, ends, blobs }: ScanBatch): Generator<{
  readonly layout: Uint8Array;
  readonly header: Uint8Array | undefined;
}> {
  let at = 0;
  for (const place of blobs.keys()) {
    const layoutEnd = ends[2 * place] ?? at;
    const headerEnd = ends[2 * place + 1] ?? -1;
    const layout = octets.subarray(at, layoutEnd);
    at = layoutEnd;
    const header = headerEnd === -1 ? undefined : octets.subarray(at, headerEnd);
    if (header) at = headerEnd;
    yield { layout, header };
  }
}
