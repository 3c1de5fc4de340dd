import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { release } from '../../../src/store/blobs/release.ts';
import { contentOf } from './content.ts';

/*
 * Run as a process of its own by memory.test.ts: keeps and reads one large blob in FOLDER, and prints as JSON how far the memory of
 * the process grew above what it was after a small one. Arguments: FOLDER, octets.
 */

const [directory = '', octets = ''] = process.argv.slice(2);
const size = Number(octets);
const chunk = 64 * 1024;
const material = contentOf('mixed', 3 * 1024 * 1024);

async function* source(total: number) {
  for (let at = 0; at < total; at += chunk) {
    const from = at % material.length;
    // No new buffer: what the source leaves to the collector is not what is measured.
    yield material.subarray(from, from + Math.min(chunk, total - at));
  }
}

let peak = 0;
const sample = () => {
  peak = Math.max(peak, process.memoryUsage().rss);
};

async function run(total: number): Promise<number> {
  const { id } = await blobs.put(observed(source(total)), { size: total });
  let read = 0;
  for await (const part of observed(blobs.read(id))) {
    read += part.length;
    release(part);
  }
  // As a client does that fetches in pieces.
  for (let start = 0; start < total; start += 16 * 1024 * 1024) {
    for await (const part of observed(blobs.read(id, { start, end: start + chunk }))) {
      read += part.length;
      release(part);
    }
  }
  await blobs.delete(id);
  return read;
}

async function* observed(parts: AsyncIterable<Uint8Array>) {
  for await (const part of parts) {
    sample();
    yield part;
  }
}

const blobs = await openDirectoryBlobs({ directory });
// What the runtime takes once, its heap included, is not the blob's.
await run(20 * 1024 * 1024);
sample();
const before = process.memoryUsage().rss;
peak = 0;
const began = process.cpuUsage();
const read = await run(size);
const { user, system } = process.cpuUsage(began);
await blobs.close();
console.log(JSON.stringify({ read, before, peak, cpuMs: Math.round((user + system) / 1000) }));
