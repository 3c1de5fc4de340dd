import { constants, crc32, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { FrameEntry } from './blob-format.ts';
import { BlobError } from './blobs.ts';
import { release } from './release.ts';

/*
 * One-shot calls on the calling thread: a full frame takes 0.25 ms. The asynchronous calls save the event loop 0.15 ms of that, cost
 * up to twice the CPU, and hold 80 MB until the collector looks. Between frames others have their turn.
 */

/** A frame that fills no more than a block of the file system takes one however small it gets. */
const WORTH_TRYING = 4096;
/** Compression pays when it saves a sixteenth; base64 of something compressed saves a quarter, a picture nothing. */
const WORTH_KEEPING = 15 / 16;
const LEVEL = 1;
/** More than zstd ever adds to a full frame, so that the output is one piece. */
const SLACK = 1024;

export interface EncodedFrame extends FrameEntry {
  /** The content itself when `raw`. */
  readonly bytes: Uint8Array;
}

/**
 * A frame as it is kept. Each decides for itself whether compression pays: a message may begin as text and end as a picture, and
 * trying costs less than 0.1 ms.
 */
export function encodeFrame(content: Uint8Array): EncodedFrame {
  const small = content.length <= WORTH_TRYING ? undefined : compress(content);
  const raw = small === undefined || small.length > content.length * WORTH_KEEPING;
  if (raw && small) release(small);
  const bytes = raw ? content : small;
  return { bytes, raw, octets: bytes.length, crc: crc32(bytes) };
}

function compress(content: Uint8Array): Buffer {
  const options: ZstdOptions = {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    pledgedSrcSize: content.length,
    chunkSize: content.length + SLACK,
  };
  return zstdCompressSync(content, options);
}

/**
 * The content of a frame.
 * @param size octets of content
 * @throws BlobError `damaged`
 */
export function decodeFrame(bytes: Uint8Array, entry: FrameEntry, size: number): Uint8Array {
  // Checked before it is decoded: no decoder sees octets that were not written by the encoder.
  if (crc32(bytes) !== entry.crc) throw new BlobError('damaged', 'the checksum of a frame is wrong');
  const content = entry.raw ? bytes : decompress(bytes, size);
  if (content.length !== size)
    throw new BlobError('damaged', `a frame has ${content.length} octets instead of ${size}`);
  return content;
}

function decompress(bytes: Uint8Array, size: number): Buffer {
  try {
    // An octet too many: when the output is exactly full, the decoder is called once more, with another buffer as large.
    return zstdDecompressSync(bytes, { chunkSize: Math.max(size + 1, SLACK), maxOutputLength: size });
  } catch (error) {
    throw new BlobError('damaged', 'a frame cannot be decompressed', error);
  }
}
