import type { FetchItem } from '../fetch-item.ts';

/** RFC822.SIZE (RFC 9051 §7.5.2). */
export const rfc822Size: FetchItem = {
  name: 'RFC822.SIZE',
  parse: () => ({
    wants: ['size'],
    write(out, page, row) {
      out.text('RFC822.SIZE ');
      out.number(page.sizes?.[row] ?? 0);
      return true;
    },
  }),
};
