import { crc32 } from 'node:zlib';
import type { BlobId } from './blob-id.ts';
import { BlobError } from './blobs.ts';

/*
 * A blob's file, all numbers little-endian:
 *
 *   header   "PBLOB\r\n\x1a", version (1 octet), log2 of the frame size (1), zero (2), CRC-32 of these 12 (4)
 *   frames   each holds the frame size of content, the last one the rest: a zstd frame, or the content as it is
 *   table    for each frame: octets it takes here, with bit 31 set where it is the content as it is (4), CRC-32 of these octets (4)
 *   trailer  octets of content (8), frames (4), zero (4), id (16), SHA-256 of the content (32), CRC-32 of table and trailer (4)
 *
 * Table and trailer come last because a blob is written while it arrives.
 */

const MAGIC = Buffer.from('PBLOB\r\n\x1a', 'latin1');
const VERSION = 1;
export const HEADER_OCTETS = 16;
const ENTRY_OCTETS = 8;
export const TRAILER_OCTETS = 68;
const RAW = 0x8000_0000;

/** 2^18 octets: 256 KB of content in a frame. */
export const FRAME_LOG = 18;
/** Frame sizes that a reader puts up with: 4 KB to 16 MB. */
const FRAME_LOGS = { least: 12, most: 24 };

/** A frame as it lies in the file. */
export interface FrameEntry {
  readonly octets: number;
  /** The content as it is. */
  readonly raw: boolean;
  readonly crc: number;
}

export interface BlobSummary {
  readonly id: BlobId;
  readonly size: number;
  readonly sha256: Uint8Array;
}

export function encodeHeader(frameLog: number = FRAME_LOG): Buffer {
  const header = Buffer.alloc(HEADER_OCTETS);
  MAGIC.copy(header);
  header.writeUInt8(VERSION, 8);
  header.writeUInt8(frameLog, 9);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** @returns log2 of the frame size @throws BlobError `damaged`, `newer` */
export function parseHeader(header: Buffer): number {
  if (header.length < HEADER_OCTETS || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new BlobError('damaged', 'the file does not begin as a blob does');
  }
  if (crc32(header.subarray(0, 12)) !== header.readUInt32LE(12)) {
    throw new BlobError('damaged', 'the checksum of the header is wrong');
  }
  const version = header.readUInt8(8);
  if (version !== VERSION) throw new BlobError('newer', `the blob has form ${version}; this version knows ${VERSION}`);
  const frameLog = header.readUInt8(9);
  if (frameLog < FRAME_LOGS.least || frameLog > FRAME_LOGS.most) {
    throw new BlobError('damaged', `frames of 2^${frameLog} octets`);
  }
  return frameLog;
}

/** Table and trailer. */
export function encodeEnd(frames: readonly FrameEntry[], { id, size, sha256 }: BlobSummary): Buffer {
  const end = Buffer.alloc(frames.length * ENTRY_OCTETS + TRAILER_OCTETS);
  let at = 0;
  for (const { octets, raw, crc } of frames) {
    end.writeUInt32LE(octets + (raw ? RAW : 0), at);
    end.writeUInt32LE(crc, at + 4);
    at += ENTRY_OCTETS;
  }
  end.writeBigUInt64LE(BigInt(size), at);
  end.writeUInt32LE(frames.length, at + 8);
  end.write(id, at + 16, 'hex');
  end.set(sha256, at + 32);
  end.writeUInt32LE(crc32(end.subarray(0, at + 64)), at + 64);
  return end;
}

/**
 * How many octets table and trailer take together, from the trailer alone; not yet proven right.
 * @throws BlobError `damaged`
 */
export function endOctets(trailer: Buffer, fileSize: number): number {
  const octets = trailer.readUInt32LE(8) * ENTRY_OCTETS + TRAILER_OCTETS;
  if (octets > fileSize - HEADER_OCTETS) throw new BlobError('damaged', 'the table is longer than the file');
  return octets;
}

/** What table and trailer say, proven to fit each other and the file. */
export interface BlobLayout {
  readonly size: number;
  readonly sha256: Uint8Array;
  readonly frameSize: number;
  readonly frames: readonly PlacedFrame[];
}

export interface PlacedFrame extends FrameEntry {
  /** Position in the file. */
  readonly position: number;
  /** Octets of content. */
  readonly size: number;
}

/**
 * @param end table and trailer, as long as `endOctets` said
 * @throws BlobError `damaged`
 */
export function parseEnd(end: Buffer, id: BlobId, frameLog: number, fileSize: number): BlobLayout {
  const at = end.length - TRAILER_OCTETS;
  if (crc32(end.subarray(0, at + 64)) !== end.readUInt32LE(at + 64)) {
    throw new BlobError('damaged', 'the checksum of the table is wrong');
  }
  const written = end.toString('hex', at + 16, at + 32);
  if (written !== id) throw new BlobError('damaged', `the file is that of blob ${written}`);
  const size = Number(end.readBigUInt64LE(at));
  const frameSize = 2 ** frameLog;
  const frames: PlacedFrame[] = [];
  let position = HEADER_OCTETS;
  for (let entry = 0, left = size; entry < at; entry += ENTRY_OCTETS, left -= frameSize) {
    const word = end.readUInt32LE(entry);
    const raw = word >= RAW;
    const octets = raw ? word - RAW : word;
    frames.push({ octets, raw, crc: end.readUInt32LE(entry + 4), position, size: Math.min(left, frameSize) });
    position += octets;
  }
  const fits = frames.every(frame => frame.octets > 0 && frame.octets <= frameSize && frame.size > 0);
  if (!fits || frames.length !== Math.ceil(size / frameSize) || position + end.length !== fileSize) {
    throw new BlobError('damaged', 'the table does not fit the file');
  }
  return { size, sha256: new Uint8Array(end.subarray(at + 32, at + 64)), frameSize, frames };
}
