import { MailError, type MailErrorKind } from '../../mail/mail-error.ts';
import type { AccountCallsOptions, Call } from './account-calls.ts';
import type { NewRow } from './index-port.ts';

/** What a thread is started with. */
export type ThreadOptions = Omit<AccountCallsOptions, 'now'>;

/** To the thread. */
export type Request = { readonly id: number; readonly call: Call } | 'close';

/** From it. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

/** An error as it crosses: a MailError by its kind, anything else as the bug it is. */
export interface Failure {
  readonly kind: MailErrorKind | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof MailError) return { kind: error.kind, message: error.message, stack: undefined };
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { kind: undefined, message, stack };
}

export function errorOf({ kind, message, stack }: Failure): Error {
  if (kind) return new MailError(kind, message);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** The buffers of an answer that need not be copied. Only arrays that own all of their buffer's octets are handed over. */
export function transferables(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (typeof value !== 'object' || value === null) return found;
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && !(value instanceof Buffer)) found.add(value.buffer);
  } else if (Array.isArray(value)) {
    // A list of texts, numbers or ids has none in all its places if it has none in the first.
    if (typeof value[0] === 'object') for (const one of value) transferables(one, found);
  } else if (!(value instanceof Set)) {
    for (const one of Object.values(value)) transferables(one, found);
  }
  return found;
}

/** Rows whose octets lie in one buffer of their own: else each would take along the whole of what it is cut from. */
export function packRows(rows: readonly NewRow[]): { readonly rows: readonly NewRow[]; readonly buffer: ArrayBuffer } {
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
