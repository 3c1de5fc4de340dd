import { flagTable } from '../imap/flag-table.ts';
import type { ModSeq, Seq, Uid } from '../mail/ids.ts';
import type { Snapshot } from '../mail/mailbox.ts';
import type { ChangePage } from '../mail/rows.ts';
import { normaliseRanges, rangesHave, type UidRange, type UidRanges } from '../mail/uid-ranges.ts';
import { FlagLines } from './flag-lines.ts';
import { Lines } from './lines.ts';
import { UidList } from './uid-list.ts';

/** A STORE.SILENT's own changes: rows of this modseq need not be told, except for the uids of `except`. */
export interface Silent {
  readonly at: number;
  /** The mailbox's position just before it, where the change has brought no keyword: undefined otherwise. */
  readonly before?: number | undefined;
  readonly uids: UidRanges;
  readonly except: UidRanges;
  /** Their modseq has been told, too. */
  readonly whole?: true;
}

/** How changes are told. */
export interface Telling {
  /** RFC 9051 §7.5.1: sequence numbers must not change during FETCH, STORE and SEARCH. */
  readonly expunges: 'told' | 'withheld';
  /** Whether the client has turned CONDSTORE on. */
  readonly modseq: boolean;
  readonly silent?: Silent | undefined;
}

/**
 * What a client believes of its selected mailbox: the position in the change log up to which it has been told, how many messages
 * there are, and, once a sequence number is needed, which. Pure: pages of changes come in, lines for the client come out.
 *
 * - An expunge that may not be told is withheld: the message keeps its number, and HIGHESTMODSEQ stays below it.
 * - A message is new from the page that first has it until `settle`, which tells EXISTS: pages may bring new UIDs out of order.
 *   One that comes and goes in between is never told.
 */
export class MailboxView {
  readonly #readOnly: boolean;
  #uids: UidList | undefined;
  #exists: number;
  #uidNext: Uid;
  #at: ModSeq;
  /** Modseqs by UID of what is gone, and not told; the list has been loaded then. */
  readonly #withheld = new Map<number, number>();
  /** Modseqs by UID of what is new, and not told. */
  readonly #arriving = new Map<number, number>();
  #recent: UidRanges;
  #recentCount: number;
  #keywords: readonly string[];
  #moreKeywords: boolean;
  #flagLines: FlagLines;

  /** @param readOnly what is new to it stays \Recent for others */
  constructor(snapshot: Snapshot, readOnly: boolean) {
    this.#readOnly = readOnly;
    this.#exists = snapshot.exists;
    this.#uidNext = snapshot.uidNext;
    this.#at = snapshot.at;
    this.#recent = rangeUpTo(snapshot.recentFrom, snapshot.uidNext);
    this.#recentCount = snapshot.recent;
    this.#keywords = snapshot.keywords;
    this.#moreKeywords = snapshot.moreKeywords;
    this.#flagLines = new FlagLines(snapshot.keywords);
    if (snapshot.exists === 0) this.#uids = new UidList(new Uint32Array());
  }

  get exists(): number {
    return this.#exists;
  }

  get uidNext(): Uid {
    return this.#uidNext;
  }

  get at(): ModSeq {
    return this.#at;
  }

  get recent(): UidRanges {
    return this.#recent;
  }

  get recentCount(): number {
    return this.#recentCount;
  }

  get keywords(): readonly string[] {
    return this.#keywords;
  }

  get moreKeywords(): boolean {
    return this.#moreKeywords;
  }

  get withheld(): number {
    return this.#withheld.size;
  }

  /** Below every expunge and every arrival that the client has not been told of. */
  get highestModSeq(): ModSeq {
    let highest = this.#at;
    for (const untold of [this.#withheld, this.#arriving]) {
      for (const modseq of untold.values()) if (modseq <= highest) highest = (modseq - 1) as ModSeq;
    }
    return highest;
  }

  /** Undefined until `load`. */
  get uids(): UidList | undefined {
    return this.#uids;
  }

  isRecent(uid: number): boolean {
    return rangesHave(this.#recent, uid);
  }

  /** @returns undefined when it is not there, or the list is not loaded */
  seqOf(uid: number): Seq | undefined {
    const place = this.#uids?.placeOf(uid) ?? -1;
    return place < 0 ? undefined : ((place + 1) as Seq);
  }

  /**
   * @param uids those below `uidNext` at the position `at`
   * @returns whether they are as many as the client knows of: if not, its view cannot be told any more
   */
  load(uids: Uint32Array): boolean {
    if (uids.length !== this.#exists) return false;
    this.#uids = new UidList(uids);
    return true;
  }

  /** Whether the list must be loaded before this page can be told. */
  needsUids({ changed, expunged }: ChangePage): boolean {
    if (this.#uids) return false;
    const known = (uid: number): boolean => uid < this.#uidNext;
    return changed.uids.some(known) || expunged.uids.some(known);
  }

  /** Takes in a page of changes. @returns lines for the client, in pieces of a bounded size */
  advance(page: ChangePage, telling: Telling): readonly string[] {
    const lines = new Lines();
    this.#takeKeywords(page, lines);
    this.#takeExpunged(page);
    if (telling.expunges === 'told') this.#tellExpunged(lines);
    this.#takeChanged(page, telling, lines);
    return lines.pieces();
  }

  /** UIDs below it are told with the next `settle`; undefined: nothing is new. */
  get arrivingUpTo(): Uid | undefined {
    if (this.#arriving.size === 0) return undefined;
    let last = 0;
    for (const uid of this.#arriving.keys()) if (uid > last) last = uid;
    return (last + 1) as Uid;
  }

  /**
   * The view has come to a position, with nothing left out below it.
   * @param recentFrom what is new is \Recent from this one on
   */
  settle(at: ModSeq, recentFrom: Uid): readonly string[] {
    this.#at = at;
    const next = this.arrivingUpTo;
    if (next === undefined) return [];
    const arrived = Uint32Array.from(this.#arriving.keys()).sort();
    this.#arriving.clear();
    this.#uids?.append(arrived);
    this.#exists += arrived.length;
    const from = Math.max(recentFrom, this.#uidNext) as Uid;
    this.#recent = normaliseRanges([...this.#recent, ...rangeUpTo(from, next)]);
    this.#recentCount += arrived.reduce((count, uid) => (uid >= from ? count + 1 : count), 0);
    this.#uidNext = next;
    return [`* ${this.#exists} EXISTS\r\n* ${this.#recentCount} RECENT\r\n`];
  }

  /** The position moves on, though what is new is not told yet: there may be more below it. */
  pass(at: ModSeq): void {
    this.#at = at;
  }

  #takeKeywords({ keywords, moreKeywords }: ChangePage, lines: Lines): void {
    if (sameNames(keywords, this.#keywords) && moreKeywords === this.#moreKeywords) return;
    this.#keywords = keywords;
    this.#moreKeywords = moreKeywords;
    this.#flagLines = new FlagLines(keywords);
    lines.add(flagTable(keywords, moreKeywords, this.#readOnly));
  }

  #takeExpunged({ expunged }: ChangePage): void {
    for (const [index, uid] of expunged.uids.entries()) {
      this.#arriving.delete(uid);
      if (uid < this.#uidNext && this.seqOf(uid) !== undefined)
        this.#withheld.set(uid, expunged.modseqs[index] ?? this.#at);
    }
  }

  /** From the last to the first: so none of the numbers still to be told is moved by those told before it. */
  #tellExpunged(lines: Lines): void {
    const list = this.#uids;
    if (this.#withheld.size === 0 || !list) return;
    const places = Array.from(this.#withheld.keys(), uid => list.placeOf(uid)).sort((a, b) => a - b);
    let recentGone = 0;
    for (const uid of this.#withheld.keys()) if (this.isRecent(uid)) recentGone += 1;
    for (let index = places.length - 1; index >= 0; index -= 1) lines.add(`* ${(places[index] ?? 0) + 1} EXPUNGE\r\n`);
    list.remove(places);
    this.#exists = list.length;
    this.#withheld.clear();
    if (recentGone === 0) return;
    this.#recentCount -= recentGone;
    lines.add(`* ${this.#recentCount} RECENT\r\n`);
  }

  #takeChanged({ changed }: ChangePage, { modseq: withModSeq, silent }: Telling, lines: Lines): void {
    for (const [index, uid] of changed.uids.entries()) {
      const modseq = changed.modseqs[index] ?? this.#at;
      if (uid >= this.#uidNext) {
        if (!this.#arriving.has(uid)) this.#arriving.set(uid, modseq);
        continue;
      }
      const seq = this.seqOf(uid);
      if (seq === undefined) continue;
      if (!silent || !isSilent(silent, uid, modseq)) {
        const flags = this.#flagLines.of(changed.flags[index] ?? 0, this.isRecent(uid));
        lines.add(`* ${seq} FETCH (UID ${uid} FLAGS ${flags}${withModSeq ? ` MODSEQ (${modseq})` : ''})\r\n`);
      } else if (withModSeq && !silent.whole) {
        // RFC 7162 §3.1.3: who knows modseqs is told the new one even by a silent STORE.
        lines.add(`* ${seq} FETCH (UID ${uid} MODSEQ (${modseq}))\r\n`);
      }
    }
  }
}

function isSilent({ at, uids, except }: Silent, uid: number, modseq: number): boolean {
  return modseq === at && rangesHave(uids, uid) && !rangesHave(except, uid);
}

function rangeUpTo(from: Uid, next: Uid): UidRange[] {
  return from < next ? [[from, (next - 1) as Uid]] : [];
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one === other || (one.length === other.length && one.every((name, index) => name === other[index]));
}
