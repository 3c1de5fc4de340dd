import { LRUCache } from 'lru-cache';
import type { KnownBlob } from './blob-layout.ts';
import { release } from './release.ts';

/** A full frame as it is, and what is around it in its file. */
export const READ_OCTETS = 256 * 1024 + 1024;
/** Buffers kept for the next read; more are in use while more reads run. */
const SPARE_MOST = 4;
/** What a frame's entry in a layout takes, about, and an entry of ours. */
const FRAME_ENTRY_OCTETS = 100;
const ENTRY_OCTETS = 500;

/** The content of a frame. */
export interface KeptFrame {
  readonly index: number;
  readonly content: Uint8Array;
}

interface Recent extends KnownBlob {
  /** One that was read in part: the next part is likely to be wanted next. Never given away, only copied. */
  readonly frame: KeptFrame | undefined;
}

/**
 * What reads of blobs share, whichever account they are for: buffers to read into, and the frames last read in part, so that a client that
 * fetches a message in pieces has each frame decoded once. For one thread; at most `most` octets, and 1 MB of buffers.
 */
export class ReadMemory {
  readonly #spare: Buffer[] = [];
  readonly #recent: LRUCache<string, Recent>;
  #forgotten = 0;

  /** @param most octets of frames and tables kept; 8 MB by default */
  constructor(most: number = 8 * 1024 * 1024) {
    this.#recent = new LRUCache({
      maxSize: most,
      maxEntrySize: Math.max(1, Math.floor(most / 4)),
      dispose: ({ frame }) => {
        if (frame) release(frame.content);
      },
    });
  }

  /** A buffer of `READ_OCTETS`; to be given back when nothing in it is needed and no call may still write to it. */
  takeBuffer(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(READ_OCTETS);
  }

  giveBuffer(buffer: Buffer): void {
    if (this.#spare.length < SPARE_MOST) this.#spare.push(buffer);
    else release(buffer);
  }

  /** Goes up whenever something is forgotten: what was read before that is not to be kept. */
  get forgotten(): number {
    return this.#forgotten;
  }

  known(path: string): KnownBlob | undefined {
    return this.#recent.get(path);
  }

  /** A copy of part of a frame; undefined: that frame is not here. @param from, to positions in the frame */
  copy(path: string, index: number, from: number, to: number): Buffer | undefined {
    const frame = this.#recent.get(path)?.frame;
    return frame?.index === index ? Buffer.from(frame.content.subarray(from, to)) : undefined;
  }

  /**
   * Keeps a frame that was read in part, in place of another one of the same blob; without it only what the table said.
   * @param forgotten its count when reading began
   * @param frame ours from now on: its memory is given back when it goes
   */
  keep(path: string, { layout, stored }: KnownBlob, forgotten: number, frame?: KeptFrame): void {
    // One was deleted meanwhile. If it is this one, it would stay after it has gone.
    if (forgotten !== this.#forgotten) return;
    const size = ENTRY_OCTETS + layout.frames.length * FRAME_ENTRY_OCTETS + (frame?.content.buffer.byteLength ?? 0);
    this.#recent.set(path, { layout, stored, frame }, { size });
  }

  /** All of it was read. */
  drop(path: string): void {
    this.#recent.delete(path);
  }

  /** That blob has gone, or is not what it was taken for. */
  forget(path: string): void {
    this.#forgotten += 1;
    this.#recent.delete(path);
  }
}
