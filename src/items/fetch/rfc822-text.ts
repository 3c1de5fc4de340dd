import type { FetchItem } from '../fetch-item.ts';
import { sectionPart } from './section-part.ts';

/** RFC822.TEXT (RFC 3501 §6.4.5): BODY[TEXT] by another name. */
export const rfc822Text: FetchItem = {
  name: 'RFC822.TEXT',
  parse: () => sectionPart({ label: 'RFC822.TEXT', section: { path: [], want: { kind: 'text' } }, peek: false }),
};
