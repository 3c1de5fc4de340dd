import type { FetchItem } from '../fetch-item.ts';
import { sectionPart } from './section-part.ts';

/** RFC822.HEADER (RFC 3501 §6.4.5): BODY.PEEK[HEADER] by another name. */
export const rfc822Header: FetchItem = {
  name: 'RFC822.HEADER',
  parse: () => sectionPart({ label: 'RFC822.HEADER', section: { path: [], want: { kind: 'header' } }, peek: true }),
};
