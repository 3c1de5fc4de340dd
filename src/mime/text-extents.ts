import type { Layout, LayoutPart } from './layout.ts';
import type { Range } from './section.ts';

/**
 * Octets of a message that say something to those who search it.
 * - `header`: the message's own
 * - `attached-header`: of a message within it
 * - `mime-header`: of a part (RFC 2045 §3)
 * - `text`: of a part, encoded as `encoding` and `charset` say
 */
export interface TextExtent extends Range {
  readonly kind: 'header' | 'attached-header' | 'mime-header' | 'text';
  /** Lower case. */
  readonly encoding: string | undefined;
  readonly charset: string | undefined;
}

/** Those of RFC 2045 §6. A part in any other is no text, whatever its type (§6.4). */
const ENCODINGS: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary', 'quoted-printable', 'base64']);

/**
 * Where a message's texts lie, in their order, none in another; empty ones are left out. Texts are those of text/* and, for they are
 * made to be read, of message/* that are no messages (delivery reports). What lies between parts is nobody's text.
 */
export function textExtents({ root }: Layout): TextExtent[] {
  const extents: TextExtent[] = [];
  collect(root, 'header', extents);
  return extents;
}

function collect(part: LayoutPart, kind: TextExtent['kind'], into: TextExtent[]): void {
  add(into, kind, part.header);
  if (part.kind === 'multipart') for (const child of part.children) collect(child, 'mime-header', into);
  else if (part.kind === 'message') for (const child of part.children) collect(child, 'attached-header', into);
  else if (isText(part)) {
    add(into, 'text', part.body, part.encoding, part.charset);
  }
}

function isText({ kind, type, encoding }: LayoutPart): boolean {
  return (kind === 'text' || type?.startsWith('message/') === true) && (!encoding || ENCODINGS.has(encoding));
}

function add(
  into: TextExtent[],
  kind: TextExtent['kind'],
  { start, end }: Range,
  encoding?: string,
  charset?: string,
): void {
  if (end > start) into.push({ kind, start, end, encoding, charset });
}
