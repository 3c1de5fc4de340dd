import type { FetchItem, FetchPart } from '../fetch-item.ts';

/** UID (RFC 9051 §7.5.2). */
export const uid: FetchItem = { name: 'UID', parse: uidPart };

export function uidPart(): FetchPart {
  return {
    wants: [],
    write(out, page, row) {
      out.text('UID ');
      out.number(page.uids[row] ?? 0);
      return true;
    },
  };
}
