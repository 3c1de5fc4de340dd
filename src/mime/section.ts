import type { Section } from '../mail/message.ts';
import type { PartKind } from './structure.ts';

/** Bytes from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What finding a section needs of a part: both `Part` and `LayoutPart` have it. */
export interface PlacedPart {
  readonly kind: PartKind;
  readonly header: Range;
  readonly body: Range;
  readonly children: readonly PlacedPart[];
}

export interface Located {
  /** Together, in this order, they are the section; for header fields, the header that `selectFields` takes them from. */
  readonly ranges: readonly Range[];
  /** Which of the fields are wanted; undefined: all that is in the ranges. */
  readonly fields: { readonly names: readonly string[]; readonly except: boolean } | undefined;
}

/**
 * Where a section lies. undefined: there is no such part, or only messages have what is wanted of it; IMAP's answer is NIL then.
 */
export function locate(
  { size, root }: { readonly size: number; readonly root: PlacedPart },
  { path, want }: Section,
): Located | undefined {
  if (path.length === 0) {
    if (want.kind === 'mime') return undefined;
    return want.kind === 'all' ? located({ start: 0, end: size }) : ofMessage(root, want);
  }
  const part = partAt(root, path);
  if (!part) return undefined;
  if (want.kind === 'all') return located(part.body);
  if (want.kind === 'mime') return located(part.header);
  const message = part.kind === 'message' ? part.children[0] : undefined;
  return message && ofMessage(message, want);
}

/** The part that numbers lead to: in a multipart the n-th, in a message that is none its only one (RFC 9051 §6.4.5.1). */
export function partAt<P extends PlacedPart & { readonly children: readonly P[] }>(
  root: P,
  path: readonly number[],
): P | undefined {
  let part: P | undefined;
  for (const number of path) {
    // Numbers count in the message itself, and again in each message that they lead through.
    const message: P | undefined = part === undefined ? root : part.kind === 'message' ? part.children[0] : undefined;
    const holder: P | undefined = message ?? part;
    if (holder?.kind === 'multipart') part = holder.children[number - 1];
    else part = number === 1 ? message : undefined;
    if (!part) return undefined;
  }
  return part;
}

/** The part of the ranges that `<offset.length>` asks for; what lies beyond the end is left out (RFC 9051 §6.4.5). */
export function clip(ranges: readonly Range[], offset: number, length: number): Range[] {
  const clipped: Range[] = [];
  let skip = offset;
  let left = length;
  for (const { start, end } of ranges) {
    const from = start + Math.min(skip, end - start);
    skip -= from - start;
    const to = Math.min(end, from + left);
    left -= to - from;
    if (to > from) clipped.push({ start: from, end: to });
  }
  return clipped;
}

/** Bytes in all. */
export function rangesSize(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

function ofMessage({ header, body }: PlacedPart, want: Section['want']): Located {
  if (want.kind === 'text') return located(body);
  const { ranges } = located(header);
  return { ranges, fields: want.kind === 'fields' ? { names: want.names, except: want.except } : undefined };
}

function located({ start, end }: Range): Located {
  return { ranges: start < end ? [{ start, end }] : [], fields: undefined };
}
