import type { BlobId } from '../blobs/blob-id.ts';
import { placeOf } from '../blobs/blob-places.ts';
import { BlobReader } from '../blobs/blob-reader.ts';
import { blockingDisk } from '../blobs/blocking-disk.ts';
import { release } from '../blobs/release.ts';
import type { MessageOctets } from './message-texts.ts';

/** A blob, opened when its first octets are wanted. One reading at a time. */
export class BlobOctets implements MessageOctets {
  readonly #directory: string;
  readonly #blob: BlobId;
  readonly #goOn: () => void;
  #reader: BlobReader | undefined;
  /** The frame read last: the next text often lies in it, too. */
  #frame: { readonly index: number; readonly content: Uint8Array } | undefined;

  /** @param goOn called before each frame; throws when nobody wants to know any more */
  constructor(directory: string, blob: BlobId, goOn: () => void) {
    this.#directory = directory;
    this.#blob = blob;
    this.#goOn = goOn;
  }

  /** @throws BlobError */
  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    this.#reader ??= await BlobReader.open(blockingDisk, placeOf(this.#directory, this.#blob).file, this.#blob);
    const { size, frameSize } = this.#reader.layout;
    const last = Math.min(end, size);
    for (let at = start; at < last; ) {
      const index = Math.floor(at / frameSize);
      const from = index * frameSize;
      const content = await this.#frameAt(this.#reader, index);
      yield content.subarray(at - from, last - from);
      at = from + frameSize;
    }
  }

  async close(): Promise<void> {
    this.#drop();
    await this.#reader?.close();
  }

  async #frameAt(reader: BlobReader, index: number): Promise<Uint8Array> {
    if (this.#frame?.index === index) return this.#frame.content;
    this.#drop();
    this.#goOn();
    const content = await reader.frame(index);
    this.#frame = { index, content };
    return content;
  }

  #drop(): void {
    const frame = this.#frame;
    this.#frame = undefined;
    // One that is not compressed may be a piece of the file as it was read, which holds others, too.
    if (frame && this.#reader?.layout.frames[frame.index]?.raw === false) release(frame.content);
  }
}
