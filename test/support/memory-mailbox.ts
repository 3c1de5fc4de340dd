import { type FlagMask, flagNames, keywordBit, SYSTEM_FLAGS } from '../../src/mail/flags.ts';
import type { Seq } from '../../src/mail/ids.ts';
import { LAST_UID, type MailboxId, type ModSeq, type Uid } from '../../src/mail/ids.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import type { MailboxStatus, Snapshot, SpecialUse } from '../../src/mail/mailbox.ts';
import type { Cursor, FlagChange, FlagsSet } from '../../src/mail/message.ts';
import type { ChangePage } from '../../src/mail/rows.ts';
import { rangesHave, rangesOf, type UidRange, type UidRanges } from '../../src/mail/uid-ranges.ts';
import { KeywordTable, type Letter, type MemoryMessage } from './memory-message.ts';

export interface Tombstone {
  readonly uid: Uid;
  readonly modseq: ModSeq;
}

/** A letter on its way into a mailbox. */
export interface Arrival {
  readonly letter: Letter;
  readonly flags: Iterable<string>;
}

/** One mailbox as plain arrays. Every method is a transaction, since nothing waits within it. */
export class MemoryBox {
  readonly id: MailboxId;
  readonly uidValidity: number;
  specialUse: SpecialUse | undefined;
  at: ModSeq;
  uidNext = 1 as Uid;
  recentFrom = 1 as Uid;
  gone: 'deleted' | 'reset' | undefined;
  readonly keywords: KeywordTable;
  /** By ascending UID. */
  readonly messages: MemoryMessage[] = [];
  readonly tombstones: Tombstone[] = [];

  constructor(id: MailboxId, uidValidity: number, at: number, keywordsMost: number) {
    this.id = id;
    this.uidValidity = uidValidity;
    this.at = at as ModSeq;
    this.keywords = new KeywordTable(keywordsMost);
  }

  status(): MailboxStatus {
    const { id, at, uidValidity, uidNext, messages, recentFrom } = this;
    const count = (fits: (message: MemoryMessage) => boolean) => messages.filter(fits).length;
    return {
      id,
      at,
      uidValidity,
      uidNext,
      exists: messages.length,
      unseen: count(({ flags }) => !flags.has('\\Seen')),
      deleted: count(({ flags }) => flags.has('\\Deleted')),
      size: messages.reduce((sum, { letter }) => sum + letter.octets.length, 0),
      recentFrom,
      recent: count(({ uid }) => uid >= recentFrom),
    };
  }

  snapshot(claimRecent: boolean): Snapshot {
    const unseen = this.messages.findIndex(({ flags }) => !flags.has('\\Seen'));
    const snapshot = {
      ...this.status(),
      keywords: [...this.keywords.names],
      moreKeywords: this.keywords.hasRoom(this.messages),
      firstUnseen: unseen < 0 ? undefined : ((unseen + 1) as Seq),
    };
    if (claimRecent) this.claimRecent(this.uidNext);
    return snapshot;
  }

  claimRecent(upTo: Uid): Uid {
    const before = this.recentFrom;
    if (upTo > before) this.recentFrom = upTo;
    return before;
  }

  named(uids: UidRanges): MemoryMessage[] {
    return this.messages.filter(({ uid }) => rangesHave(uids, uid));
  }

  mask({ flags }: MemoryMessage): FlagMask {
    const bits: FlagMask[] = SYSTEM_FLAGS.map((name, index) => (flags.has(name) ? 2 ** index : 0));
    bits.push(...this.keywords.names.map((name, index) => (flags.has(name) ? keywordBit(index) : 0)));
    return bits.reduce((sum, bit) => sum + bit, 0);
  }

  flagsOf(message: MemoryMessage): string[] {
    return flagNames(this.mask(message), this.keywords.names);
  }

  /** @throws MailError `limit` */
  arrive(arrivals: readonly Arrival[], saved: number): Uid[] {
    const all = new Set(arrivals.flatMap(({ flags }) => [...flags]));
    this.keywords.spell(all, this.messages);
    if (arrivals.length > 0) this.#advance();
    return arrivals.map(({ letter, flags }) => {
      const uid = this.uidNext;
      this.uidNext = (uid + 1) as Uid;
      this.messages.push({ uid, letter, saved, flags: this.keywords.known(flags), modseq: this.at });
      return uid;
    });
  }

  remove(gone: readonly MemoryMessage[]): void {
    if (gone.length > 0) this.#advance();
    for (const message of gone) {
      this.messages.splice(this.messages.indexOf(message), 1);
      this.tombstones.push({ uid: message.uid, modseq: this.at });
    }
  }

  setFlags(
    uids: UidRanges,
    { kind, flags }: FlagChange,
    { unchangedSince, viewAt }: { readonly unchangedSince?: ModSeq; readonly viewAt: ModSeq },
  ): FlagsSet {
    const there = this.named(uids);
    const modified = there.filter(({ modseq }) => unchangedSince !== undefined && modseq > unchangedSince);
    const meant = there.filter(message => !modified.includes(message));
    const spelled =
      kind === 'remove' || meant.length === 0 ? this.keywords.known(flags) : this.keywords.spell(flags, this.messages);
    const wanted = (old: ReadonlySet<string>) => {
      if (kind === 'replace') return spelled;
      if (kind === 'add') return new Set([...old, ...spelled]);
      return new Set([...old].filter(flag => !spelled.has(flag)));
    };
    const changing = meant.filter(({ flags: old }) => {
      const wish = wanted(old);
      return wish.size !== old.size || [...wish].some(flag => !old.has(flag));
    });
    const interleaved = changing.filter(({ modseq }) => modseq > viewAt);
    const before = this.at;
    if (changing.length > 0) this.#advance();
    for (const message of changing) {
      message.flags = new Set(wanted(message.flags));
      message.modseq = this.at;
    }
    return {
      at: this.at,
      before,
      changed: changing.length,
      modified: uidsOf(modified),
      missing: without(uids, there),
      interleaved: uidsOf(interleaved),
    };
  }

  /** What was there at a position. */
  uids(at: ModSeq, uidNext: Uid): Uint32Array {
    const since = this.tombstones.filter(({ modseq }) => modseq > at);
    const uids = [...this.messages, ...since].map(({ uid }) => uid).filter(uid => uid < uidNext);
    return Uint32Array.from(uids).sort();
  }

  changes(since: Cursor, limit: number): ChangePage {
    const fence = since.fence ?? this.at;
    const isNews = ({ uid, modseq }: Tombstone) =>
      modseq <= fence && (modseq > since.modseq || (modseq === since.modseq && uid > since.uid));
    const news: (Tombstone | MemoryMessage)[] = [...this.messages, ...this.tombstones].filter(isNews);
    news.sort((one, two) => one.modseq - two.modseq || one.uid - two.uid);
    const page = news.slice(0, limit);
    const done = page.length === news.length;
    const last = page.at(-1) ?? since;
    const changed = page.filter(isMessage);
    const expunged = page.filter(entry => !isMessage(entry));
    return {
      next: done ? { modseq: fence, uid: LAST_UID } : { modseq: last.modseq, uid: last.uid, fence },
      done,
      status: this.status(),
      keywords: [...this.keywords.names],
      moreKeywords: this.keywords.hasRoom(this.messages),
      changed: { ...columns(changed), flags: Float64Array.from(changed, message => this.mask(message)) },
      expunged: columns(expunged),
      ...(this.gone ? { gone: this.gone } : {}),
    };
  }

  /** @throws MailError `gone` */
  live(): this {
    if (this.gone) throw new MailError('gone', 'the mailbox is not there any more');
    return this;
  }

  #advance(): void {
    this.at = (this.at + 1) as ModSeq;
  }
}

export function uidsOf(messages: readonly { readonly uid: Uid }[]): UidRanges {
  return rangesOf(messages.map(({ uid }) => uid));
}

function isMessage(entry: Tombstone | MemoryMessage): entry is MemoryMessage {
  return 'letter' in entry;
}

function columns(entries: readonly Tombstone[]): { uids: Uint32Array; modseqs: Float64Array } {
  return {
    uids: Uint32Array.from(entries, ({ uid }) => uid),
    modseqs: Float64Array.from(entries, ({ modseq }) => modseq),
  };
}

/** Of the ranges, what no message of `there` has. */
function without(ranges: UidRanges, there: readonly MemoryMessage[]): UidRanges {
  return ranges.flatMap(([first, last]) => {
    const gaps: UidRange[] = [];
    let from: number = first;
    for (const { uid } of there) {
      if (uid < first || uid > last) continue;
      if (uid > from) gaps.push([from as Uid, (uid - 1) as Uid]);
      from = uid + 1;
    }
    return from <= last ? [...gaps, [from as Uid, last]] : gaps;
  });
}
