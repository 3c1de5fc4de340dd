import type { FetchItem } from '../fetch-item.ts';
import { sectionPart } from './section-part.ts';

/** RFC822 (RFC 3501 §6.4.5): BODY[] by another name. */
export const rfc822: FetchItem = {
  name: 'RFC822',
  parse: () => sectionPart({ label: 'RFC822', section: { path: [], want: { kind: 'all' } }, peek: false }),
};
