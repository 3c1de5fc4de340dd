import { MailError, type MailErrorKind } from '../../mail/mail-error.ts';

/** To the thread. */
export type Request<Call> = { readonly id: number; readonly call: Call } | 'close';

/** A call whose octets can be handed over, and what is handed over. */
export interface Packed<Call> {
  readonly packed: Call;
  readonly transfer: ArrayBuffer[];
}

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
