import type { MailboxId, ModSeq } from '../../mail/ids.ts';
import type { Cursor } from '../../mail/message.ts';
import type { ChangePage } from '../../mail/rows.ts';

interface Note {
  /** The last page of changes, when nothing has happened since. */
  last: ChangePage | undefined;
  /** When it was pulled. */
  time: number;
  /** Counts what may have changed the mailbox: a page that was asked for before is not remembered after. */
  forgotten: number;
  /** Counts news of a later position; a page that was asked for before but has come as far is as good. */
  news: number;
  newest: ModSeq;
}

/**
 * Remembers of each mailbox where its change log ends, so that a NOOP or a wake that brings nothing need not ask the index. Whoever
 * writes says so when the writing has ended, whatever came of it, and so does every wake.
 */
export class MailboxNotes {
  readonly #notes = new Map<MailboxId, Note>();
  readonly #now: () => number;
  readonly #lifetime: number;

  /** @param lifetime milliseconds after which other processes may have written without a wake; 0: there are none */
  constructor(now: () => number, lifetime: number) {
    this.#now = now;
    this.#lifetime = lifetime;
  }

  /** The answer to `since` when it is known to be "nothing new". */
  nothingNew(mailbox: MailboxId, since: Cursor): ChangePage | undefined {
    const note = this.#notes.get(mailbox);
    const last = note?.last;
    if (!last || since.fence !== undefined || !isAt(since, last.next)) return undefined;
    if (this.#lifetime > 0 && this.#now() - note.time >= this.#lifetime) return undefined;
    return { ...last, next: since, changed: NONE_CHANGED, expunged: NONE_EXPUNGED };
  }

  /** Pulls a page, and remembers it when it is the last one. */
  async pulled(mailbox: MailboxId, since: Cursor, pull: () => Promise<ChangePage>): Promise<ChangePage> {
    const note = this.#noteOf(mailbox);
    const { forgotten, news } = note;
    const time = this.#now();
    const page = await pull();
    if (page.gone) this.#notes.delete(mailbox);
    else if (page.done && since.fence === undefined && note.forgotten === forgotten) {
      if (note.news !== news && page.status.at < note.newest) return page;
      note.last = page;
      note.time = time;
    }
    return page;
  }

  /** The mailbox has changed, up to that position at least. */
  advanced(mailbox: MailboxId, at: ModSeq): void {
    const note = this.#notes.get(mailbox);
    if (!note || (note.last && note.last.status.at >= at)) return;
    note.last = undefined;
    note.news += 1;
    if (at > note.newest) note.newest = at;
  }

  /** Something of it may have changed, which need not show in its position. */
  forget(mailbox: MailboxId): void {
    const note = this.#notes.get(mailbox);
    if (!note) return;
    note.forgotten += 1;
    note.last = undefined;
  }

  /** As `forget`, of a mailbox that may be no more: one that nobody asks for again must not be kept in mind. */
  drop(mailbox: MailboxId): void {
    this.forget(mailbox);
    this.#notes.delete(mailbox);
  }

  /** Mailboxes that are kept in mind. */
  get size(): number {
    return this.#notes.size;
  }

  forgetAll(): void {
    for (const mailbox of this.#notes.keys()) this.forget(mailbox);
  }

  #noteOf(mailbox: MailboxId): Note {
    const known = this.#notes.get(mailbox);
    if (known) return known;
    const note: Note = { last: undefined, time: 0, forgotten: 0, news: 0, newest: 0 as ModSeq };
    this.#notes.set(mailbox, note);
    return note;
  }
}

const NONE = new Float64Array();
const NONE_CHANGED = { uids: new Uint32Array(), flags: NONE, modseqs: NONE };
const NONE_EXPUNGED = { uids: new Uint32Array(), modseqs: NONE };

/** A position beyond the last is one that the log has not come to: the index says what that means. */
function isAt(one: Cursor, last: Cursor): boolean {
  return one.modseq === last.modseq && one.uid >= last.uid;
}
