import { LAST_UID, type MailboxId, type Uid } from '../../mail/ids.ts';
import { byteColumn, type Field } from '../../mail/rows.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import { type Database, integer, octets, optionalOctets, type SqlRow, text } from './database.ts';
import type { StoredContent, StoredRowPage } from './index-port.ts';
import { type MailboxRecords, uid } from './mailbox-record.ts';
import { messageId, uidOfMessage } from './schema.ts';
import { packContents, storedContent } from './stored-contents.ts';
import { clipRanges } from './uid-lists.ts';

/** Octets after which a page ends. */
const PAGE_OCTETS = 1_048_576;

/** What each field reads. */
const COLUMNS: Readonly<Record<Field, readonly string[]>> = {
  flags: ['message.flags'],
  modseq: ['message.modseq'],
  size: ['message.size'],
  date: ['message.time', 'message.zone'],
  saveDate: ['message.saved'],
  emailId: ['content.email_id'],
  threadId: ["coalesce(content.thread_id, '')"],
  envelope: ['description.envelope'],
  body: ['description.body'],
  structure: ['description.structure'],
  header: ['description.header'],
  content: ['content.blob', 'message.size', 'description.layout', 'description.header'],
};
const WIDE: ReadonlySet<Field> = new Set<Field>(['envelope', 'body', 'structure', 'header', 'content']);
const OF_CONTENT: ReadonlySet<Field> = new Set<Field>(['emailId', 'threadId', 'content']);

/** A page of rows by ascending UID: at most `limit`, and little more than 1 MB. @throws MailError `gone` */
export function rowPage(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  uids: UidRanges,
  want: readonly Field[],
  after: Uid,
  limit: number,
): StoredRowPage {
  return db.read(() => {
    const record = mailboxes.load(mailbox);
    const { rows, more } = collect(db, mailbox, clipRanges(uids, record.uidNext, after), new Selection(want), limit);
    const page = new Selection(want).page(rows);
    return { ...page, keywords: record.keywords, next: more ? uid(page.uids.at(-1) ?? LAST_UID) : undefined };
  });
}

function collect(
  db: Database,
  mailbox: MailboxId,
  ranges: Iterable<readonly [number, number]>,
  { sql, wide }: Selection,
  limit: number,
): { readonly rows: readonly SqlRow[]; readonly more: boolean } {
  const rows: SqlRow[] = [];
  let size = 0;
  for (const [first, last] of ranges) {
    if (rows.length >= limit || size >= PAGE_OCTETS) return { rows, more: true };
    const values = [messageId(mailbox, first), messageId(mailbox, last), limit + 1 - rows.length] as const;
    if (!wide) {
      for (const row of db.all(sql, ...values)) rows.push(row);
    } else {
      for (const row of db.each(sql, ...values)) {
        rows.push(row);
        size += octetsOf(row);
        if (size >= PAGE_OCTETS) break;
      }
      // There may be no more, and the next page empty: cheaper than to look.
      if (size >= PAGE_OCTETS) return { rows: rows.slice(0, limit), more: true };
    }
    if (rows.length > limit) return { rows: rows.slice(0, limit), more: true };
  }
  return { rows, more: false };
}

function octetsOf(row: SqlRow): number {
  let size = 0;
  for (const value of Object.values(row)) if (value instanceof Uint8Array) size += value.length;
  return size;
}

/** The SELECT that some fields need, and how its rows become a page. */
class Selection {
  readonly sql: string;
  readonly wide: boolean;
  readonly #want: ReadonlySet<Field>;
  readonly #places = new Map<string, number>();

  constructor(want: readonly Field[]) {
    this.#want = new Set(want);
    this.wide = want.some(field => WIDE.has(field));
    for (const column of ['message.id', ...want.flatMap(field => COLUMNS[field])]) {
      if (!this.#places.has(column)) this.#places.set(column, this.#places.size);
    }
    this.sql = `SELECT ${[...this.#places.keys()].join(', ')} FROM message
      ${want.some(field => OF_CONTENT.has(field)) ? 'JOIN content ON content.id = message.content' : ''}
      ${this.wide ? 'JOIN description ON description.content = message.content' : ''}
      WHERE message.id BETWEEN ? AND ? ORDER BY message.id LIMIT ?`;
  }

  page(rows: readonly SqlRow[]): Omit<StoredRowPage, 'keywords' | 'next'> {
    const numbers = (column: string) => Float64Array.from(rows, row => integer(this.#value(row, column)));
    const texts = (column: string) => rows.map(row => text(this.#value(row, column)));
    const bytes = (column: string) => byteColumn(rows.map(row => optionalOctets(this.#value(row, column))));
    const [size = '', time = '', zone = ''] = [...COLUMNS.size, ...COLUMNS.date];
    const has = (field: Field) => this.#want.has(field);
    return {
      uids: Uint32Array.from(rows, row => uidOfMessage(integer(row[0]))),
      ...(has('flags') && { flags: numbers('message.flags') }),
      ...(has('modseq') && { modseqs: numbers('message.modseq') }),
      ...(has('size') && { sizes: numbers(size) }),
      ...(has('date') && { dates: numbers(time), zones: Int16Array.from(numbers(zone)) }),
      ...(has('saveDate') && { saveDates: numbers('message.saved') }),
      ...(has('emailId') && { emailIds: texts('content.email_id') }),
      ...(has('threadId') && { threadIds: texts(COLUMNS.threadId[0] ?? '') }),
      ...(has('envelope') && { envelopes: bytes('description.envelope') }),
      ...(has('body') && { bodies: bytes('description.body') }),
      ...(has('structure') && { structures: bytes('description.structure') }),
      ...(has('header') && { headers: bytes('description.header') }),
      ...(has('content') && { contents: packContents(rows.map(row => this.#content(row))) }),
    };
  }

  #content(row: SqlRow): StoredContent {
    return storedContent(
      integer(row[0]),
      octets(this.#value(row, 'content.blob')),
      integer(this.#value(row, 'message.size')),
      octets(this.#value(row, 'description.layout')),
      optionalOctets(this.#value(row, 'description.header')),
    );
  }

  #value(row: SqlRow, column: string) {
    return row[this.#places.get(column) ?? -1];
  }
}
