import { MailError } from '../../mail/mail-error.ts';
import type { Content, ContentHandle, Section } from '../../mail/message.ts';
import { FieldStream } from '../../mime/field-stream.ts';
import { selectFields } from '../../mime/header-block.ts';
import { decodeLayout, type Layout } from '../../mime/layout.ts';
import { clip, type Located, locate, type Range, rangesSize } from '../../mime/section.ts';
import type { BlobId } from '../blobs/blob-id.ts';
import type { Blobs } from '../blobs/blobs.ts';
import type { StoredContent } from '../index/index-port.ts';
import { mailError } from './failures.ts';

/** Selected fields up to this many octets are held; more are selected again while they are read. */
const HELD_MOST = 1024 * 1024;

/** Whether a handle is one that the engine's rows gave. */
export function isStoredContent(of: ContentHandle): of is StoredContent {
  return 'blob' in of && 'layout' in of;
}

/**
 * A section of a message. Its size is known without opening the blob, unless header fields are wanted of a header that is not in the
 * index. What lies in the index is given without the blob.
 * @returns undefined: there is no such section
 * @throws MailError
 */
export async function openContent(
  stored: StoredContent,
  section: Section,
  blobs: Blobs,
  signal: AbortSignal,
): Promise<Content | undefined> {
  const { header, blob, size } = stored;
  const { path, want } = section;
  if (path.length === 0 && header) {
    if (want.kind === 'all') return new BlobContent(blobs, blob, [{ start: 0, end: size }], signal);
    if (want.kind === 'text') return new BlobContent(blobs, blob, [{ start: header.length, end: size }], signal);
    if (want.kind === 'header') return new HeldContent(header);
    if (want.kind === 'fields') return new HeldContent(selectFields(asBuffer(header), want.names, want.except));
  }
  const located = locate(layoutOf(stored), section);
  if (!located) return undefined;
  const whole = new BlobContent(blobs, blob, located.ranges, signal);
  return located.fields ? openFields(whole, located.fields) : whole;
}

async function openFields(header: Content, { names, except }: NonNullable<Located['fields']>): Promise<Content> {
  let size = 0;
  let held: Buffer[] = [];
  for await (const piece of selected(header, names, except)) {
    size += piece.length;
    if (size <= HELD_MOST) held.push(piece);
    else held = [];
  }
  return size <= HELD_MOST ? new HeldContent(Buffer.concat(held)) : new FieldsContent(header, names, except, size);
}

async function* selected(header: Content, names: readonly string[], except: boolean): AsyncGenerator<Buffer> {
  const stream = new FieldStream(names, except);
  for await (const chunk of header.read()) yield* stream.push(chunk);
  yield* stream.finish();
}

function layoutOf({ blob, layout }: StoredContent): Layout {
  try {
    return decodeLayout(layout);
  } catch (error) {
    throw new MailError('damaged', `the layout of blob ${blob}`, { cause: error });
  }
}

function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}

class HeldContent implements Content {
  readonly size: number;
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.size = octets.length;
    this.#octets = octets;
  }

  async *read(start = 0, end = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
    // A copy: chunks belong to the caller, and these octets are a piece of a page.
    const wanted = Buffer.from(this.#octets.subarray(start, Math.min(end, this.size)));
    if (wanted.length > 0) yield wanted;
  }
}

class BlobContent implements Content {
  readonly size: number;
  readonly #blobs: Blobs;
  readonly #blob: BlobId;
  readonly #ranges: readonly Range[];
  readonly #signal: AbortSignal;

  constructor(blobs: Blobs, blob: BlobId, ranges: readonly Range[], signal: AbortSignal) {
    this.size = rangesSize(ranges);
    this.#blobs = blobs;
    this.#blob = blob;
    this.#ranges = ranges;
    this.#signal = signal;
  }

  async *read(start = 0, end = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
    for (const range of clip(this.#ranges, start, Math.max(0, end - start))) {
      let left = range.end - range.start;
      try {
        for await (const chunk of this.#blobs.read(this.#blob, range, this.#signal)) {
          left -= chunk.length;
          yield chunk;
        }
      } catch (error) {
        throw mailError(error);
      }
      // A client that was promised more must not take what follows for it.
      if (left !== 0) throw new MailError('damaged', `blob ${this.#blob} is shorter than its message`);
    }
  }
}

/** Fields of a header that is too long to be held, selected while they are read. */
class FieldsContent implements Content {
  readonly size: number;
  readonly #header: Content;
  readonly #names: readonly string[];
  readonly #except: boolean;

  constructor(header: Content, names: readonly string[], except: boolean, size: number) {
    this.#header = header;
    this.#names = names;
    this.#except = except;
    this.size = size;
  }

  async *read(start = 0, end = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const piece of selected(this.#header, this.#names, this.#except)) {
      const wanted = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
      at += piece.length;
      if (wanted.length > 0) yield wanted;
      if (at >= end) return;
    }
  }
}
