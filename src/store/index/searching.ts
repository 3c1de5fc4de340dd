import type { MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import type { Query } from '../../mail/query.ts';
import { prepareQuery } from '../search/narrow.ts';
import { type Database, integer, octets, optionalInteger, optionalOctets, type SqlRow } from './database.ts';
import type { SearchPage, StoredContent } from './index-port.ts';
import { type MailboxRecord, type MailboxRecords, modSeq, uid } from './mailbox-record.ts';
import { messageId, uidOfMessage } from './schema.ts';
import { pushDown } from './search-conditions.ts';
import { packContents, storedContent } from './stored-contents.ts';

/** After so long a page ends: others wait for the same thread. */
const PAGE_MILLISECONDS = 20;
/** Octets of layouts and headers after which a page ends. */
const PAGE_OCTETS = 1_048_576;
/** Rows between two looks at the clock; of those with headers, which may be large, fewer. */
const BATCH = 512;
const BATCH_WITH_HEADERS = 32;
/** UIDs that SQLite looks through between two looks at the clock, where conditions pass over most: some milliseconds. */
const WINDOW = 50_000;

/**
 * One page of a search by ascending UID: what the index can decide, and what is left for the texts.
 * @param clock milliseconds, for the length of a page
 * @throws MailError `gone`
 */
export function searchPage(
  db: Database,
  mailboxes: MailboxRecords,
  mailbox: MailboxId,
  query: Query,
  after: Uid,
  clock: () => number,
): SearchPage {
  return db.read(() => {
    const record = mailboxes.load(mailbox);
    const page = new Page(db, record, query);
    const end = clock() + PAGE_MILLISECONDS;
    let next: number | undefined = after;
    do next = page.look(next);
    while (next !== undefined && clock() < end && page.octets < PAGE_OCTETS);
    return page.result(next);
  });
}

class Page {
  octets = 0;
  readonly #db: Database;
  readonly #record: MailboxRecord;
  readonly #prepared: ReturnType<typeof prepareQuery>;
  readonly #pushed: ReturnType<typeof pushDown>;
  readonly #sql: string;
  readonly #batch: number;
  readonly #found: number[] = [];
  readonly #undecided: { readonly content: StoredContent; readonly residual: number; readonly modseq: ModSeq }[] = [];
  /** With their places in the page's list; many messages share one. */
  readonly #residuals = new Map<Query, number>();
  #maxModSeq = 0;

  constructor(db: Database, record: MailboxRecord, query: Query) {
    this.#db = db;
    this.#record = record;
    this.#prepared = prepareQuery(query);
    this.#pushed = pushDown(query, record.keywords);
    const { header } = this.#prepared.needs;
    this.#batch = header ? BATCH_WITH_HEADERS : BATCH;
    const joinContent = this.#pushed.sentDay ? 'CROSS JOIN content ON content.id = message.content' : '';
    const joinSource = header ? 'CROSS JOIN source ON source.content = message.content' : '';
    this.#sql = `SELECT message.id, message.flags, message.modseq, message.size, message.time, message.zone,
        ${this.#pushed.sentDay ? 'content.sent_day' : 'NULL'}, ${header ? 'source.header' : 'NULL'}
      FROM message ${joinContent} ${joinSource}
      WHERE message.id BETWEEN ? AND ? ${this.#pushed.sql} ORDER BY message.id LIMIT ?`;
  }

  /** @returns the last uid looked at; undefined: there are no more */
  look(after: number): number | undefined {
    const { first, last, values } = this.#pushed;
    const end = messageId(this.#record.id, Math.min(last, this.#record.uidNext - 1));
    const lowest = messageId(this.#record.id, Math.max(after + 1, first));
    const start = this.#db.get('SELECT min(id) FROM message WHERE id BETWEEN ? AND ?', lowest, end)?.[0] ?? undefined;
    if (start === undefined) return undefined;
    const windowEnd = Math.min(end, integer(start) + WINDOW - 1);
    const rows = this.#db.all(this.#sql, start, windowEnd, ...values, this.#batch);
    for (const row of rows) this.#judge(row);
    const final = rows.at(-1);
    if (final && rows.length === this.#batch) return uidOfMessage(integer(final[0]));
    return windowEnd < end ? uidOfMessage(windowEnd) : undefined;
  }

  result(next: number | undefined): SearchPage {
    return {
      found: Uint32Array.from(this.#found),
      undecided: packed(this.#undecided),
      residuals: [...this.#residuals.keys()],
      maxModSeq: modSeq(this.#maxModSeq),
      next: next === undefined ? undefined : uid(next),
    };
  }

  #judge(row: SqlRow): void {
    const id = integer(row[0]);
    const modseq = modSeq(integer(row[2]));
    const verdict = this.#prepared.narrow({
      uid: uidOfMessage(id),
      flags: integer(row[1]),
      keywords: this.#record.keywords,
      modseq,
      size: integer(row[3]),
      time: integer(row[4]),
      zone: integer(row[5]),
      sentDay: optionalInteger(row[6]),
      header: optionalOctets(row[7]),
    });
    if (verdict === false) return;
    if (verdict === true) {
      this.#found.push(uidOfMessage(id));
      this.#maxModSeq = Math.max(this.#maxModSeq, modseq);
    } else {
      this.#undecided.push({ content: this.#contentOf(id), residual: this.#residual(verdict), modseq });
    }
  }

  #contentOf(id: number): StoredContent {
    const row = this.#db.get(
      `SELECT content.blob, content.size, source.layout, source.header FROM message
       JOIN content ON content.id = message.content JOIN source ON source.content = message.content
       WHERE message.id = ?`,
      id,
    );
    const [layout, header] = [octets(row?.[2]), optionalOctets(row?.[3])];
    this.octets += layout.length + (header?.length ?? 0);
    return storedContent(id, octets(row?.[0]), integer(row?.[1]), layout, header);
  }

  #residual(query: Query): number {
    const place = this.#residuals.get(query) ?? this.#residuals.size;
    this.#residuals.set(query, place);
    return place;
  }
}

type Undecided = SearchPage['undecided'];

function packed(undecided: Undecided): Undecided {
  const contents = packContents(undecided.map(({ content }) => content));
  return undecided.map((one, place) => ({ ...one, content: contents[place] ?? one.content }));
}
