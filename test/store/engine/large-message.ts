import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { AccountId, Uid } from '../../../src/mail/ids.ts';
import { openDirectoryBlobs } from '../../../src/store/blobs/directory-blobs.ts';
import { release } from '../../../src/store/blobs/release.ts';
import { openLocalBus } from '../../../src/store/bus/local-bus.ts';
import { openEngine } from '../../../src/store/engine/engine.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { contentOf } from '../blobs/content.ts';

/*
 * Run as a process of its own by memory.test.ts: appends one large message with an account in FOLDER, reads it whole, in pieces and by its
 * parts, and prints as JSON how far the memory of the process grew above what it was after a small one, and how long the event loop was
 * held up. Arguments: FOLDER, octets, what lines end in (crlf | lf), octets in a chunk.
 */

const [directory = '', octets = '', lineEnds = '', chunkOctets = ''] = process.argv.slice(2);
const size = Number(octets);
const chunk = Number(chunkOctets);
const account = 'aaaaaaaaaaaaaaaaaaaaaaaaaa' as AccountId;
const head = Buffer.from(
  'Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n',
);
const text = contentOf('text', 3 * 1024 * 1024);
const material = lineEnds === 'lf' ? Buffer.from(text.toString('latin1').replaceAll('\r', ''), 'latin1') : text;

let peak = 0;
const sample = () => {
  peak = Math.max(peak, process.memoryUsage().rss);
};

async function* source(total: number) {
  yield head;
  for (let at = head.length; at < total; at += chunk) {
    sample();
    const from = at % (material.length - chunk);
    // No new buffer: what the source leaves to the collector is not what is measured.
    yield material.subarray(from, from + Math.min(chunk, total - at));
  }
}

async function run(total: number): Promise<number> {
  async function* messages() {
    yield { size: total, source: source(total), flags: [], date: { time: 0, zone: 0 } };
  }
  const { uids } = await store.append('INBOX', messages(), signal);
  const mailbox = await store.open('INBOX', false);
  let read = 0;
  for await (const { contents = [] } of mailbox.rows(uids, ['content'], signal)) {
    for (const handle of contents) {
      for (const path of [[], [1]]) {
        const content = await mailbox.content(handle, { path, want: { kind: 'all' } }, signal);
        if (!content) throw new Error('a part is missing');
        const ranges = [[0, content.size]];
        // As a client does that fetches in pieces.
        for (let at = 0; at < content.size; at += 8 * 1024 * 1024) ranges.push([at, at + 64 * 1024]);
        for (const [start, end] of ranges) {
          for await (const part of content.read(start, end)) {
            sample();
            read += part.length;
            release(part);
          }
        }
      }
    }
  }
  await mailbox.setFlags([[1 as Uid, 9 as Uid]], { kind: 'add', flags: ['\\Deleted'] }, { viewAt: 0 as never });
  await mailbox.expunge(undefined);
  await mailbox.close();
  return read;
}

const { signal } = new AbortController();
const index = openSqliteIndex({ directory, threads: 1 });
const engine = openEngine({
  index,
  blobs: () => openDirectoryBlobs({ directory: `${directory}/blobs` }),
  bus: openLocalBus(),
  scanner: { scan: () => Promise.reject(new Error('nothing is to be scanned')), close: async () => {} },
  log: { debug() {}, info() {}, warn() {}, error() {} },
  settings: { messageMost: size },
});
const store = await engine.open(account, { create: { mailboxes: [] } });
// What the runtime takes once, its heap included, is not the message's.
await run(20 * 1024 * 1024);
sample();
const before = process.memoryUsage().rss;
peak = 0;
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
const began = process.cpuUsage();
const read = await run(size);
const { user, system } = process.cpuUsage(began);
delay.disable();
await store.close();
await engine.close();
await index.close();
const cpuMs = Math.round((user + system) / 1000);
console.log(JSON.stringify({ read, before, peak, cpuMs, heldUpMs: Math.round(delay.max / 1e6) }));
