import type { FetchItem } from '../fetch-item.ts';
import { scanPartial, scanSection } from './section.ts';
import { sectionPart } from './section-part.ts';

/** BODY[section]<partial> (RFC 9051 §6.4.5). */
export const bodySection: FetchItem = bodyItem('BODY[', false);

/** BODY.PEEK[section]<partial>: the same without making the message \Seen, and told by the same name. */
export const bodyPeekSection: FetchItem = bodyItem('BODY.PEEK[', true);

function bodyItem(name: string, peek: boolean): FetchItem {
  return {
    name,
    parse(scanner) {
      const { section, text } = scanSection(scanner);
      const partial = scanPartial(scanner);
      // RFC 9051 §7.5.2: of what was asked the offset is told, and not the length.
      const label = `BODY[${text}]${partial ? `<${partial.offset}>` : ''}`;
      return sectionPart({ label, section, partial, peek });
    },
  };
}
