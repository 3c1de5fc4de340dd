import type { Layout } from '../../mime/layout.ts';
import { type TextExtent, textExtents } from '../../mime/text-extents.ts';
import { headerText } from './header-fields.ts';
import { fieldBlocks, headerPieces, type MessageOctets, textPieces } from './message-texts.ts';
import type { MessageMatch, Residual } from './residual.ts';

/** One message whose texts must be read. */
export interface MessageParts {
  readonly header: Uint8Array | undefined;
  readonly layout: Layout;
}

/**
 * Whether a message is one of those that are looked for. Its octets are read only as far as the answer depends on them, and nothing
 * of its attachments. Text: all headers, and all texts as the sender wrote them, markup too. Body: the texts, and the headers of
 * attached messages.
 * @throws what reading throws
 */
export async function matchMessage(
  residual: Residual,
  { header, layout }: MessageParts,
  octets: MessageOctets,
): Promise<boolean> {
  const match = residual.message();
  if (residual.needsHeader) await matchHeader(residual, match, header, layout, octets);
  match.headerDone();
  if (match.answer !== undefined) return match.answer;
  if (residual.needsTexts) {
    for (const extent of textExtents(layout)) {
      if (extent.kind === 'header' || (extent.kind === 'mime-header' && !residual.needsHeaderText)) continue;
      const answer = await matchExtent(match, extent, octets);
      if (answer !== undefined) return answer;
    }
  }
  return match.finish();
}

async function matchHeader(
  residual: Residual,
  match: MessageMatch,
  header: Uint8Array | undefined,
  layout: Layout,
  octets: MessageOctets,
): Promise<void> {
  for await (const block of header ? [header] : fieldBlocks(octets, layout.root.header)) {
    match.fields(block);
    if (residual.needsHeaderText) match.text(headerText(block), false, true);
    if (match.answer !== undefined) return;
  }
}

async function matchExtent(
  match: MessageMatch,
  extent: TextExtent,
  octets: MessageOctets,
): Promise<boolean | undefined> {
  const isBody = extent.kind !== 'mime-header';
  const pieces = extent.kind === 'text' ? textPieces(octets, extent) : headerPieces(octets, extent);
  for await (const { text, isLast } of pieces) {
    match.text(text, isBody, isLast);
    const { answer } = match;
    if (answer !== undefined) return answer;
  }
  return undefined;
}
