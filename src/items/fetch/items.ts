import type { FetchItem } from '../fetch-item.ts';
import { body } from './body.ts';
import { bodyPeekSection, bodySection } from './body-section.ts';
import { bodyStructure } from './body-structure.ts';
import { envelope } from './envelope.ts';
import { flags } from './flags.ts';
import { internalDate } from './internal-date.ts';
import { rfc822 } from './rfc822.ts';
import { rfc822Header } from './rfc822-header.ts';
import { rfc822Size } from './rfc822-size.ts';
import { rfc822Text } from './rfc822-text.ts';
import { uid } from './uid.ts';

/** The items of RFC 3501 §6.4.5. */
export const FETCH_ITEMS: readonly FetchItem[] = [
  ...[uid, flags, internalDate, rfc822Size, envelope, body, bodyStructure],
  ...[bodySection, bodyPeekSection, rfc822, rfc822Header, rfc822Text],
];
