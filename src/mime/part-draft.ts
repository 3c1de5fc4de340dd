import { NO_CONTENT } from './content.ts';
import type { Content, Envelope, Extent, Part, PartKind } from './structure.ts';

/** A place in the message: bytes, line feeds and bare line feeds before it. */
export interface Mark {
  readonly offset: number;
  readonly lines: number;
  readonly bare: number;
}

/** A part while it is being read. */
export interface Draft {
  readonly parent: Draft | undefined;
  readonly depth: number;
  /** The root, or what lies in a message: it has an envelope. */
  readonly isMessage: boolean;
  headerStart: Mark;
  headerEnd: Mark;
  bodyEnd: Mark;
  kind: PartKind;
  content: Content;
  envelope: Envelope | undefined;
  readonly children: Draft[];
}

/** A part that begins here, told to its parent. */
export function openPart(parent: Draft | undefined, at: Mark): Draft {
  const part: Draft = {
    parent,
    depth: parent ? parent.depth + 1 : 0,
    isMessage: parent === undefined || parent.kind === 'message',
    headerStart: at,
    headerEnd: at,
    bodyEnd: at,
    kind: 'text',
    content: NO_CONTENT,
    envelope: undefined,
    children: [],
  };
  parent?.children.push(part);
  return part;
}

/** What its type says a part is, before anything has to be in it. */
export function nestedIn({ content, parent }: Draft): PartKind {
  const type = content.type?.toLowerCase();
  const subtype = content.subtype?.toLowerCase();
  if (type === undefined) {
    // RFC 2046 §5.1.5: in a digest the default is a message.
    const inDigest = parent?.kind === 'multipart' && parent.content.subtype?.toLowerCase() === 'digest';
    return inDigest ? 'message' : 'text';
  }
  if (type === 'multipart' && subtype !== '') return 'multipart';
  if (type === 'message' && (subtype === 'rfc822' || subtype === 'global')) return 'message';
  return type === 'text' ? 'text' : 'other';
}

/** The part as it is told to others. Children first: no deeper than the limit of depth, so that recursion is safe. */
export function finished(draft: Draft): Part {
  return {
    kind: draft.kind,
    header: extent(draft.headerStart, draft.headerEnd),
    body: extent(draft.headerEnd, draft.bodyEnd),
    content: draft.content,
    envelope: draft.envelope,
    children: draft.children.map(finished),
  };
}

function extent(from: Mark, to: Mark): Extent {
  return { start: from.offset, end: to.offset, lines: to.lines - from.lines, bareLineFeeds: to.bare - from.bare };
}
