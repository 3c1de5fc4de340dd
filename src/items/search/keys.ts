import type { SearchKey } from '../search-key.ts';
import { all } from './all.ts';
import { dates } from './dates.ts';
import { header } from './header.ts';
import { headerFields } from './header-fields.ts';
import { keyword } from './keyword.ts';
import { not } from './not.ts';
import { or } from './or.ts';
import { recent } from './recent.ts';
import { sizes } from './sizes.ts';
import { systemFlags } from './system-flags.ts';
import { texts } from './texts.ts';
import { uid } from './uid.ts';

/** The keys of RFC 3501 §6.4.4. Sequence sets and parentheses are grammar, not keys. */
export const SEARCH_KEYS: readonly SearchKey[] = [
  ...[all, header, not, or, uid],
  ...[...dates, ...headerFields, ...keyword, ...recent, ...sizes, ...systemFlags, ...texts],
];
