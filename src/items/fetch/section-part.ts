import type { Section } from '../../mail/message.ts';
import { bytesAt } from '../../mail/rows.ts';
import { fieldSelector } from '../../mime/field-selector.ts';
import type { FetchPart } from '../fetch-item.ts';
import type { Partial } from './section.ts';

export interface SectionItem {
  /** Name, section and offset, as they are told. */
  readonly label: string;
  readonly section: Section;
  readonly partial?: Partial | undefined;
  readonly peek: boolean;
}

/**
 * Octets of a message. Its own header comes with the rows, so that fields of many messages are told without reading any; only where a
 * header is too large to be kept there, and for all else, the content is asked.
 */
export function sectionPart({ label, section, partial, peek }: SectionItem): FetchPart {
  const choose = section.path.length === 0 ? headerChoice(section) : undefined;
  const head = `${label} `;
  return {
    wants: [choose ? 'header' : 'content'],
    ...(!peek && { marksSeen: true }),
    write(out, page, row) {
      const header = choose && page.headers && bytesAt(page.headers, row);
      if (!choose || !header) return false;
      const octets = choose(Buffer.from(header.buffer, header.byteOffset, header.byteLength));
      out.text(head);
      out.literal(partial ? octets.subarray(...clip(partial, octets.length)) : octets);
      return true;
    },
    content: {
      label,
      async open(mailbox, handle, signal) {
        const content = await mailbox.content(handle, section, signal);
        if (!content || !partial) return content && { size: content.size, read: () => content.read() };
        const [start, end] = clip(partial, content.size);
        return { size: end - start, read: () => content.read(start, end) };
      },
    },
  };
}

/** What lies beyond the end is left out (RFC 9051 §6.4.5). */
function clip({ offset, length }: Partial, size: number): [start: number, end: number] {
  const start = Math.min(offset, size);
  return [start, Math.min(start + length, size)];
}

function headerChoice({ want }: Section): ((header: Buffer) => Buffer) | undefined {
  if (want.kind === 'header') return header => header;
  return want.kind === 'fields' ? fieldSelector(want.names, want.except) : undefined;
}
