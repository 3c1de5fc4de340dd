import type { MailboxId, Uid } from '../../mail/ids.ts';
import type { Field } from '../../mail/rows.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import { isBlobId } from '../blobs/blob-id.ts';
import { type Database, integer, optionalInteger } from './database.ts';
import type { StoredContent, StoredRowPage } from './index-port.ts';
import { type MailboxRecords, uid } from './mailbox-record.ts';
import { aggregateSql, type ColumnKind, ColumnValues } from './row-columns.ts';
import { messageId, uidOfMessage } from './schema.ts';
import { packContents } from './stored-contents.ts';
import { clipRanges } from './uid-lists.ts';

/** Octets after which a page ends. */
const PAGE_OCTETS = 1_048_576;
/** Rows that are measured at a time, and then read while SQLite still has them in memory. */
const MEASURED_ROWS = 128;
/** Ranges of up to so many UIDs are asked for one by one, many at a time. */
const SMALL_RANGE = 16;

interface Column {
  readonly sql: string;
  readonly kind: ColumnKind;
}

const COLUMNS = {
  id: { sql: 'message.id', kind: 'number' },
  flags: { sql: 'message.flags', kind: 'number' },
  modseq: { sql: 'message.modseq', kind: 'number' },
  size: { sql: 'message.size', kind: 'number' },
  time: { sql: 'message.time', kind: 'number' },
  zone: { sql: 'message.zone', kind: 'number' },
  saved: { sql: 'message.saved', kind: 'number' },
  email_id: { sql: 'content.email_id', kind: 'text' },
  thread_id: { sql: "coalesce(content.thread_id, '')", kind: 'text' },
  blob: { sql: 'lower(hex(content.blob))', kind: 'text' },
  envelope: { sql: 'description.envelope', kind: 'octets' },
  body: { sql: 'description.body', kind: 'octets' },
  structure: { sql: 'description.structure', kind: 'octets' },
  layout: { sql: 'source.layout', kind: 'octets' },
  header: { sql: 'source.header', kind: 'octets' },
} as const satisfies Record<string, Column>;
type ColumnName = keyof typeof COLUMNS;

const NEEDS: Readonly<Record<Field, readonly ColumnName[]>> = {
  flags: ['flags'],
  modseq: ['modseq'],
  size: ['size'],
  date: ['time', 'zone'],
  saveDate: ['saved'],
  emailId: ['email_id'],
  threadId: ['thread_id'],
  envelope: ['envelope'],
  body: ['body'],
  structure: ['structure'],
  header: ['header'],
  content: ['blob', 'size', 'layout', 'header'],
};

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
    const reading = new RowReading(db, want, limit);
    for (const source of sourcesOf(mailbox, clipRanges(uids, record.uidNext, after), limit)) {
      if (reading.full) break;
      reading.read(source);
    }
    const page = reading.page();
    const last = page.uids.at(-1);
    return { ...page, keywords: record.keywords, next: reading.full && last !== undefined ? uid(last) : undefined };
  });
}

/** Where rows are looked for: between two numbers, all or those of a JSON list. */
interface Source {
  readonly list: string | null;
  readonly first: number;
  readonly last: number;
}

/** Many small ranges make a list: going to each by a statement of its own costs more than to find the row. */
function* sourcesOf(
  mailbox: MailboxId,
  ranges: Iterable<readonly [number, number]>,
  listMost: number,
): Generator<Source> {
  let list: number[] = [];
  const listed = (): Source => ({ list: JSON.stringify(list), first: list[0] ?? 0, last: list.at(-1) ?? 0 });
  for (const [first, last] of ranges) {
    if (last - first < SMALL_RANGE) {
      for (let one = first; one <= last; one += 1) list.push(messageId(mailbox, one));
    }
    if (list.length >= listMost || (list.length > 0 && last - first >= SMALL_RANGE)) {
      yield listed();
      list = [];
    }
    if (last - first >= SMALL_RANGE) {
      yield { list: null, first: messageId(mailbox, first), last: messageId(mailbox, last) };
    }
  }
  if (list.length > 0) yield listed();
}

class RowReading {
  /** Whether the page has all it may have. */
  full = false;
  readonly #db: Database;
  readonly #fields: ReadonlySet<Field>;
  readonly #columns = new Map<ColumnName, ColumnValues>();
  readonly #wide: readonly ColumnName[];
  #rows = 0;
  #octets = 0;
  readonly #limit: number;

  constructor(db: Database, want: readonly Field[], limit: number) {
    this.#db = db;
    this.#fields = new Set(want);
    for (const name of ['id' as const, ...want.flatMap(field => NEEDS[field])]) {
      if (!this.#columns.has(name)) this.#columns.set(name, new ColumnValues(COLUMNS[name].kind));
    }
    this.#wide = [...this.#columns.keys()].filter(name => COLUMNS[name].kind === 'octets');
    this.#limit = limit;
  }

  read(source: Source): void {
    if (this.#wide.length === 0) {
      this.#add(source, this.#limit - this.#rows);
      return;
    }
    for (let first: number | undefined = source.first; first !== undefined && !this.full; ) {
      const rest = { ...source, first };
      const measured = this.#measure(rest, Math.min(MEASURED_ROWS, this.#limit - this.#rows));
      if (measured === undefined) return;
      this.#add({ ...rest, last: measured }, MEASURED_ROWS);
      first = measured < source.last ? measured + 1 : undefined;
    }
  }

  #add(source: Source, most: number): void {
    const names = [...this.#columns.keys()];
    const sql = `SELECT ${names.flatMap(name => aggregateSql(name, COLUMNS[name].kind)).join(', ')}, count(*)
      FROM (SELECT ${names.map(name => `${COLUMNS[name].sql} AS ${name}`).join(', ')} ${this.#from(names, source)})`;
    const row = this.#db.get(sql, source.list, source.first, source.last, most) ?? [];
    let place = 0;
    for (const values of this.#columns.values()) place = values.add(row, place);
    this.#rows += integer(row[place]);
    if (this.#rows >= this.#limit) this.full = true;
  }

  page(): Omit<StoredRowPage, 'keywords' | 'next'> {
    const numbers = (name: ColumnName) => this.#column(name).numbers;
    const bytes = (name: ColumnName) => this.#column(name).byteColumn;
    const has = (field: Field) => this.#fields.has(field);
    return {
      uids: Uint32Array.from(numbers('id'), uidOfMessage),
      ...(has('flags') && { flags: numbers('flags') }),
      ...(has('modseq') && { modseqs: numbers('modseq') }),
      ...(has('size') && { sizes: numbers('size') }),
      ...(has('date') && { dates: numbers('time'), zones: Int16Array.from(numbers('zone')) }),
      ...(has('saveDate') && { saveDates: numbers('saved') }),
      ...(has('emailId') && { emailIds: this.#column('email_id').texts }),
      ...(has('threadId') && { threadIds: this.#column('thread_id').texts }),
      ...(has('envelope') && { envelopes: bytes('envelope') }),
      ...(has('body') && { bodies: bytes('body') }),
      ...(has('structure') && { structures: bytes('structure') }),
      ...(has('header') && { headers: bytes('header') }),
      ...(has('content') && { contents: this.#contents() }),
    };
  }

  /** @returns the last row that the page has room for, at least one; undefined: there are none */
  #measure(source: Source, most: number): number | undefined {
    const length = this.#wide.map(name => `coalesce(length(${COLUMNS[name].sql}), 0)`).join(' + ');
    const row = this.#db.get(
      `SELECT max(id), sum(length) FROM (
         SELECT id, length, sum(length) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - length AS before
         FROM (SELECT message.id AS id, ${length} AS length ${this.#from(this.#wide, source)})
       ) WHERE before < ?5`,
      source.list,
      source.first,
      source.last,
      most,
      PAGE_OCTETS - this.#octets,
    );
    this.#octets += optionalInteger(row?.[1]) ?? 0;
    if (this.#octets >= PAGE_OCTETS) this.full = true;
    return optionalInteger(row?.[0]);
  }

  #from(names: readonly ColumnName[], { list }: Source): string {
    const tables = ['content', 'description', 'source'].filter(table =>
      names.some(name => COLUMNS[name].sql.includes(`${table}.`)),
    );
    const joins = tables.map(table =>
      table === 'content'
        ? 'CROSS JOIN content ON content.id = message.content'
        : `CROSS JOIN ${table} ON ${table}.content = message.content`,
    );
    const start =
      list === null ? 'FROM message' : 'FROM json_each(?1) AS wanted CROSS JOIN message ON message.id = wanted.value';
    return `${start} ${joins.join(' ')} WHERE message.id BETWEEN ?2 AND ?3
      ${list === null ? 'ORDER BY message.id' : ''} LIMIT ?4`;
  }

  #contents(): readonly StoredContent[] {
    const [ids, sizes] = [this.#column('id').numbers, this.#column('size').numbers];
    const [layouts, headers] = [this.#column('layout').octets, this.#column('header').octets];
    const contents = this.#column('blob').texts.map((blob, place): StoredContent => {
      const layout = layouts[place];
      if (!isBlobId(blob) || !layout) throw new TypeError('a message has no blob or no layout');
      return {
        uid: uid(uidOfMessage(ids[place] ?? 0)),
        blob,
        size: sizes[place] ?? 0,
        layout,
        header: headers[place],
      };
    });
    return packContents(contents);
  }

  #column(name: ColumnName): ColumnValues {
    const column = this.#columns.get(name);
    if (!column) throw new TypeError(`the column ${name} was not asked for`);
    return column;
  }
}
