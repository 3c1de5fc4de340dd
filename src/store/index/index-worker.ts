import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AccountCallsOptions, Call } from './account-calls.ts';
import type { NewRow } from './index-port.ts';
import type { Packed } from './thread-messages.ts';

/** What an index thread is started with. */
export type IndexThreadOptions = Omit<AccountCallsOptions, 'now'>;

/** Starts a thread that runs `index-thread.ts`. */
export type StartIndexThread = (options: IndexThreadOptions) => Worker;

/** The file beside this one, by the ending this one has: `.ts` from source, `.js` when built. */
export const startIndexThread: StartIndexThread = options =>
  new Worker(new URL(`./index-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: options,
    name: 'postern-index',
  });

/** Hands the octets of new rows over. */
export function packCall(call: Call): Packed<Call> {
  if (call.kind !== 'call' || call.method !== 'append') return { packed: call, transfer: [] };
  const [mailbox, given] = call.args;
  if (!isRows(given)) throw new TypeError('an append without rows');
  const { rows, buffer } = packRows(given);
  return { packed: { ...call, args: [mailbox, rows] }, transfer: [buffer] };
}

function isRows(value: unknown): value is readonly NewRow[] {
  return Array.isArray(value);
}

/** Rows whose octets lie in one buffer of their own: else each would take along the whole of what it is cut from. */
function packRows(rows: readonly NewRow[]): { readonly rows: readonly NewRow[]; readonly buffer: ArrayBuffer } {
  const pieces = rows.flatMap(octetsOf);
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  const put = (piece: Uint8Array): Uint8Array => {
    all.set(piece, at);
    at += piece.length;
    return all.subarray(at - piece.length, at);
  };
  const packed = rows.map(row => ({
    ...row,
    sha256: put(row.sha256),
    header: row.header && put(row.header),
    envelope: put(row.envelope),
    body: put(row.body),
    structure: put(row.structure),
    layout: put(row.layout),
  }));
  return { rows: packed, buffer: all.buffer };
}

function octetsOf({ sha256, header, envelope, body, structure, layout }: NewRow): readonly Uint8Array[] {
  return [sha256, ...(header ? [header] : []), envelope, body, structure, layout];
}
