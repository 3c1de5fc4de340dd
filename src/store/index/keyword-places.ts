import { DELETED, type FlagMask, KEYWORDS_MOST, keywordBit, SYSTEM_FLAGS, systemFlag } from '../../mail/flags.ts';
import { LAST_UID } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import { type Database, integer } from './database.ts';
import type { MailboxRecord } from './mailbox-record.ts';
import { messageId } from './schema.ts';

/** All 53 bits. */
export const ALL_FLAGS: FlagMask = 2 ** (SYSTEM_FLAGS.length + KEYWORDS_MOST) - 1;
const FIRST_KEYWORD = keywordBit(0);

/**
 * The mask that flags by name make in a mailbox. A keyword that the mailbox does not know yet takes an empty place, or one that no
 * message uses any more. \Recent and other names with a backslash that are no system flag are passed over.
 * @throws MailError `limit` when all places are in use
 */
export function maskOf(db: Database, mailbox: MailboxRecord, names: readonly string[]): FlagMask {
  let mask = 0;
  /** Places that this mask needs are not to be taken again by another of its keywords. */
  const claimed = new Set<number>();
  for (const name of names) {
    const bit = name.startsWith('\\') ? systemBit(name) : keywordBit(placeFor(db, mailbox, name, claimed));
    if (bit !== 0 && !hasBit(mask, bit)) mask += bit;
  }
  return mask;
}

/** As `maskOf`, without taking places: keywords that are not there are left out. For what only takes flags away. */
export function knownMaskOf(mailbox: MailboxRecord, names: readonly string[]): FlagMask {
  let mask = 0;
  for (const name of names) {
    const place = name.startsWith('\\') ? -1 : placeOf(mailbox.keywords, name);
    const bit = name.startsWith('\\') ? systemBit(name) : place < 0 ? 0 : keywordBit(place);
    if (bit !== 0 && !hasBit(mask, bit)) mask += bit;
  }
  return mask;
}

/** @returns -1 when the keyword is not in the table; keywords match without regard to case */
export function placeOf(keywords: readonly string[], name: string): number {
  const lower = name.toLowerCase();
  return keywords.findIndex(keyword => keyword !== '' && keyword.toLowerCase() === lower);
}

export function hasBit(mask: FlagMask, bit: number): boolean {
  return Math.floor(mask / bit) % 2 === 1;
}

/** Whether a keyword that is not in the table could be stored. */
export function hasEmptyPlace({ keywords }: MailboxRecord): boolean {
  return keywords.length < KEYWORDS_MOST || keywords.includes('');
}

/** After flags or messages went: if the table was full, there may be room again, which clients want to be told of. */
export function makeRoom(db: Database, mailbox: MailboxRecord): void {
  if (!hasEmptyPlace(mailbox)) emptyUnusedPlaces(db, mailbox);
}

/** Empties the places that no message uses. Reads the flags of all messages. @returns whether there were any */
function emptyUnusedPlaces(db: Database, mailbox: MailboxRecord, keep: ReadonlySet<number> = new Set()): boolean {
  const used = db
    .all(
      'SELECT DISTINCT flags FROM message WHERE id BETWEEN ? AND ? AND flags >= ?',
      messageId(mailbox.id, 1),
      messageId(mailbox.id, LAST_UID),
      FIRST_KEYWORD,
    )
    .map(([flags]) => integer(flags));
  const keywords = mailbox.keywords.map((name, place) =>
    keep.has(place) || used.some(flags => hasBit(flags, keywordBit(place))) ? name : '',
  );
  if (keywords.every((name, place) => name === mailbox.keywords[place])) return false;
  setKeywords(mailbox, keywords);
  return true;
}

function placeFor(db: Database, mailbox: MailboxRecord, name: string, claimed: Set<number>): number {
  let place = placeOf(mailbox.keywords, name);
  if (place < 0) place = emptyPlace(mailbox);
  if (place < 0 && emptyUnusedPlaces(db, mailbox, claimed)) place = emptyPlace(mailbox);
  if (place < 0) throw new MailError('limit', `the mailbox has ${KEYWORDS_MOST} keywords already`);
  claimed.add(place);
  if (!mailbox.keywords[place]) {
    const keywords = [...mailbox.keywords];
    keywords[place] = name;
    setKeywords(mailbox, keywords);
  }
  return place;
}

function emptyPlace({ keywords }: MailboxRecord): number {
  const empty = keywords.indexOf('');
  if (empty >= 0) return empty;
  return keywords.length < KEYWORDS_MOST ? keywords.length : -1;
}

function setKeywords(mailbox: MailboxRecord, keywords: readonly string[]): void {
  mailbox.keywords = keywords;
  mailbox.keywordsText = JSON.stringify(keywords);
}

function systemBit(name: string): number {
  const flag = systemFlag(name);
  return flag === undefined ? 0 : 2 ** SYSTEM_FLAGS.indexOf(flag);
}

/** SQL of how many of a set of rows have been seen, or are deleted. */
export const UNSEEN_SQL = '(flags & 8 = 0)';
export const DELETED_SQL = `(flags & ${DELETED} <> 0)`;
