import { createHash } from 'node:crypto';

const NOISE = noise(4_000_000);
const TEXT = Buffer.from(
  Array.from(
    { length: 20_000 },
    (_, n) => `Line ${n}, like ${(n * 7919) % 1009} others of its kind: ${n ** 2}\r\n`,
  ).join(''),
);

/** Octets that look random and are the same on every run. */
function noise(size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update('blobs').digest();
}

/** Content that compresses, that does not, or that changes from one to the other within frames. At most 4 MB of noise. */
export function contentOf(kind: 'text' | 'noise' | 'mixed', size: number): Buffer {
  if (kind === 'noise') return Buffer.from(NOISE.subarray(0, size));
  const content = Buffer.alloc(size);
  for (let at = 0; at < size; at += TEXT.length) TEXT.copy(content, at);
  // 400 KB in turn: frames of one kind, of the other, and of both.
  if (kind === 'mixed') for (let at = 400_000; at < size; at += 800_000) NOISE.copy(content, at, at, at + 400_000);
  return content;
}

/** The content as it might arrive. */
export async function* inChunks(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
