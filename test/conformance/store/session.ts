import { flagNames } from '../../../src/mail/flags.ts';
import { LAST_UID, type ModSeq, type Uid } from '../../../src/mail/ids.ts';
import { MailError } from '../../../src/mail/mail-error.ts';
import type { Appended, ContentHandle, Cursor, NewMessage, Section } from '../../../src/mail/message.ts';
import { bytesAt, type ChangePage, type Field } from '../../../src/mail/rows.ts';
import type { Mailbox, Store } from '../../../src/mail/store.ts';
import type { UidRange, UidRanges } from '../../../src/mail/uid-ranges.ts';

/** An account for one test: INBOX is there and empty; other mailboxes may be. */
export interface StoreSubject {
  /** As another session of the same user. */
  open(): Promise<Store>;
  /** Ends whatever is behind it. */
  close(): Promise<void>;
}

export const never = new AbortController().signal;
export const ALL: UidRanges = [[1 as Uid, LAST_UID]];
export const ranges = (...pairs: readonly (readonly [number, number])[]): UidRanges =>
  pairs.map(([first, last]): UidRange => [first as Uid, last as Uid]);
export const only = (...uids: readonly number[]): UidRanges => ranges(...uids.map(uid => [uid, uid] as const));

interface Given {
  readonly flags?: readonly string[];
  readonly date?: NewMessage['date'];
  /** Octets in a chunk. */
  readonly chunk?: number;
}

export function message(text: string, { flags = [], date = { time: 0, zone: 0 }, chunk = 7 }: Given = {}): NewMessage {
  const octets = Buffer.from(text, 'latin1');
  async function* source() {
    for (let at = 0; at < octets.length; at += chunk) yield octets.subarray(at, at + chunk);
  }
  return { size: octets.length, source: source(), flags, date };
}

/** A short message of its own. */
export const letter = (subject: string | number, flags: readonly string[] = []) =>
  message(`Subject: ${subject}\r\n\r\nText of ${subject}\r\n`, { flags });

export async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

export function add(store: Store, name: string, ...messages: readonly NewMessage[]): Promise<Appended> {
  return store.append(name, each(messages), never);
}

/** A mailbox with so many letters, their subjects their UIDs; opened for writing. */
export async function filled(store: Store, name: string, count: number): Promise<Mailbox> {
  const letters = Array.from({ length: count }, (_, index) => letter(index + 1));
  if (count > 0) await add(store, name, ...letters);
  return store.open(name, false);
}

export interface FlatRow {
  readonly uid: number;
  readonly flags: readonly string[];
  readonly modseq: number;
  readonly size: number;
  readonly date: NewMessage['date'];
  readonly emailId: string;
  readonly header: string | undefined;
  readonly envelope: string | undefined;
  readonly content: ContentHandle;
}

const COLUMNS: readonly Field[] = ['flags', 'modseq', 'size', 'date', 'emailId', 'header', 'envelope', 'content'];

/** Rows one by one, with most of their columns. */
export async function rowsOf(mailbox: Mailbox, uids: UidRanges = ALL): Promise<FlatRow[]> {
  const rows: FlatRow[] = [];
  for await (const page of mailbox.rows(uids, COLUMNS, never)) {
    const { keywords, flags, modseqs, sizes, dates, zones, emailIds, headers, envelopes, contents } = page;
    if (!flags || !modseqs || !sizes || !dates || !zones || !emailIds || !headers || !envelopes || !contents) {
      throw new Error('a page without the columns that were asked for');
    }
    for (const [place, uid] of page.uids.entries()) {
      const header = bytesAt(headers, place);
      const envelope = bytesAt(envelopes, place);
      rows.push({
        uid,
        flags: flagNames(flags[place] ?? Number.NaN, keywords),
        modseq: modseqs[place] ?? Number.NaN,
        size: sizes[place] ?? Number.NaN,
        date: { time: dates[place] ?? Number.NaN, zone: zones[place] ?? Number.NaN },
        emailId: emailIds[place] ?? '',
        header: header && Buffer.from(header).toString('latin1'),
        envelope: envelope && Buffer.from(envelope).toString('latin1'),
        content: contents[place] ?? {},
      });
    }
  }
  return rows;
}

export const uidsOf = async (mailbox: Mailbox) => (await rowsOf(mailbox)).map(({ uid }) => uid);

/** Flags of each message, sorted. */
export async function flagsOf(mailbox: Mailbox): Promise<Record<number, readonly string[]>> {
  return Object.fromEntries((await rowsOf(mailbox)).map(({ uid, flags }) => [uid, [...flags].sort()]));
}

export const WHOLE: Section = { path: [], want: { kind: 'all' } };

/** @returns undefined: there is no such section */
export async function textOf(
  mailbox: Mailbox,
  uid: number,
  section: Section = WHOLE,
  range: readonly [start?: number, end?: number] = [],
): Promise<string | undefined> {
  const [row] = await rowsOf(mailbox, only(uid));
  if (!row) throw new Error(`there is no message ${uid}`);
  const content = await mailbox.content(row.content, section, never);
  if (!content) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.read(...range)) chunks.push(Uint8Array.from(chunk));
  const text = Buffer.concat(chunks).toString('latin1');
  if (range.length === 0 && text.length !== content.size) throw new Error(`${text.length} octets of ${content.size}`);
  return text;
}

/** Where a view that knows all up to a modseq stands. */
export const cursor = (modseq: number): Cursor => ({ modseq: modseq as ModSeq, uid: LAST_UID });

/** What has happened, as (modseq, uid, flags or undefined when it was expunged), and the last page. */
export async function pull(mailbox: Mailbox, since: number | Cursor, limit = 1000) {
  const events: { modseq: number; uid: number; flags: readonly string[] | undefined }[] = [];
  let at = typeof since === 'number' ? cursor(since) : since;
  let last: ChangePage;
  do {
    last = await mailbox.changes(at, limit);
    const { changed, expunged, keywords } = last;
    if (changed.uids.length + expunged.uids.length > limit) throw new Error('a page beyond its limit');
    for (const [place, uid] of changed.uids.entries()) {
      const flags = flagNames(changed.flags[place] ?? Number.NaN, keywords);
      events.push({ modseq: changed.modseqs[place] ?? Number.NaN, uid, flags });
    }
    for (const [place, uid] of expunged.uids.entries()) {
      events.push({ modseq: expunged.modseqs[place] ?? Number.NaN, uid, flags: undefined });
    }
    at = last.next;
  } while (!last.done && !last.gone);
  return { events, last };
}

/** What kind of MailError a promise ends in. @throws when it ends in another error */
export async function kindOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof MailError) return error.kind;
    throw error;
  }
  return 'no error';
}
