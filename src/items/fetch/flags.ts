import type { FetchItem, FetchPart } from '../fetch-item.ts';
import { FlagTexts } from './flag-texts.ts';

/** FLAGS (RFC 9051 §7.5.2), with \Recent of RFC 3501 §2.3.2. */
export const flags: FetchItem = { name: 'FLAGS', parse: flagsPart };

export function flagsPart(): FetchPart {
  const texts = new FlagTexts();
  return {
    wants: ['flags'],
    write(out, page, row, view) {
      const recent = view.isRecent(page.uids[row] ?? 0);
      out.text(texts.textOf(page.flags?.[row] ?? 0, page.keywords, recent));
      return true;
    },
  };
}
