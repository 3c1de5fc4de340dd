import type { FetchItem, FetchPart } from '../fetch-item.ts';

/** MODSEQ (RFC 7162 §3.1.4.2). */
export const modSeq: FetchItem = { name: 'MODSEQ', parse: modSeqPart };

export function modSeqPart(): FetchPart {
  return {
    wants: ['modseq'],
    uses: 'CONDSTORE',
    write(out, page, row) {
      out.text('MODSEQ (');
      out.number(page.modseqs?.[row] ?? 0);
      out.text(')');
      return true;
    },
  };
}
