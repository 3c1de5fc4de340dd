import type { SequenceSet } from '../imap/sequence-set.ts';
import { LAST_UID, type ModSeq, type Seq, type Uid } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import type { Snapshot } from '../mail/mailbox.ts';
import type { Cursor } from '../mail/message.ts';
import type { ChangePage } from '../mail/rows.ts';
import type { Mailbox } from '../mail/store.ts';
import type { UidRanges } from '../mail/uid-ranges.ts';
import type { SelectedMailbox } from './contract.ts';
import { MailboxView, type Silent } from './mailbox-view.ts';
import { resolveSequence, resolveUids } from './resolve-set.ts';
import type { UidList } from './uid-list.ts';

/** Changes in a page. */
const PAGE = 2000;
/** Pages after which new messages wait for the next time: somebody writes faster than we pull. */
const PAGES_MOST = 1000;

/** The selected mailbox: its view, kept in step with the store. */
export class Selection implements SelectedMailbox {
  readonly mailbox: Mailbox;
  readonly name: string;
  readonly readOnly: boolean;
  readonly uidValidity: number;
  readonly firstUnseen: Seq | undefined;
  readonly #view: MailboxView;
  /** Whether the client has turned CONDSTORE on. */
  readonly #knowsModSeq: () => boolean;
  #cursor: Cursor;
  #announces = false;

  /** Opens the view; the mailbox is closed when that fails. @throws MailError */
  static async open(mailbox: Mailbox, name: string, knowsModSeq: () => boolean): Promise<Selection> {
    try {
      const snapshot = await mailbox.snapshot(!mailbox.readOnly);
      mailbox.lease(snapshot.at);
      return new Selection(mailbox, name, snapshot, knowsModSeq);
    } catch (error) {
      await mailbox.close();
      throw error;
    }
  }

  private constructor(mailbox: Mailbox, name: string, snapshot: Snapshot, knowsModSeq: () => boolean) {
    this.mailbox = mailbox;
    this.name = name;
    this.readOnly = mailbox.readOnly;
    this.uidValidity = snapshot.uidValidity;
    this.firstUnseen = snapshot.firstUnseen;
    this.#view = new MailboxView(snapshot, mailbox.readOnly);
    this.#knowsModSeq = knowsModSeq;
    this.#cursor = { modseq: snapshot.at, uid: LAST_UID };
  }

  get exists(): number {
    return this.#view.exists;
  }

  get uidNext(): Uid {
    return this.#view.uidNext;
  }

  get highestModSeq(): ModSeq {
    return this.#view.highestModSeq;
  }

  get at(): ModSeq {
    return this.#view.at;
  }

  get recent(): UidRanges {
    return this.#view.recent;
  }

  get recentCount(): number {
    return this.#view.recentCount;
  }

  get keywords(): readonly string[] {
    return this.#view.keywords;
  }

  get moreKeywords(): boolean {
    return this.#view.moreKeywords;
  }

  get withheld(): number {
    return this.#view.withheld;
  }

  isRecent(uid: number): boolean {
    return this.#view.isRecent(uid);
  }

  seqOf(uid: number): Seq | undefined {
    return this.#view.seqOf(uid);
  }

  async resolve(set: SequenceSet, byUid: boolean): Promise<UidRanges> {
    const uids = await this.#uids();
    return byUid ? resolveUids(set, uids) : resolveSequence(set, uids);
  }

  /** RFC 7162 §3.1.2.1: who turns CONDSTORE on within a mailbox is told where it stands, with the next `sync`. */
  announceModSeq(): void {
    this.#announces = true;
  }

  async *sync(expunges: 'told' | 'withheld', silent?: Silent): AsyncGenerator<string, void, undefined> {
    if (this.#announces) {
      this.#announces = false;
      yield `* OK [HIGHESTMODSEQ ${this.highestModSeq}] Mod-sequences are told from now on.\r\n`;
    }
    if (silent && this.#wasOnly(silent)) return;
    const view = this.#view;
    const telling = { expunges, modseq: this.#knowsModSeq(), silent };
    for (let pages = 0; pages < PAGES_MOST; pages += 1) {
      const begun = this.#cursor.fence === undefined;
      const page = await this.mailbox.changes(this.#cursor, PAGE);
      if (page.gone) throw new MailError('gone', `the mailbox was ${page.gone}`);
      if (view.needsUids(page)) await this.#uids();
      const lines = view.advance(page, telling);
      this.#cursor = page.done ? { modseq: page.next.modseq, uid: LAST_UID } : page.next;
      yield* lines;
      if (!page.done) continue;
      // A page that came after others may lack what changed in between, a message before those it brings, say: look again.
      if (begun) {
        yield* await this.#settle(page);
        return;
      }
      view.pass(page.next.modseq);
    }
  }

  async close(): Promise<void> {
    await this.mailbox.close();
  }

  /**
   * A silent STORE of a client that does not know modseqs, with nothing before it that the client has not been told of: there is
   * nothing to tell, and its rows, which may be all, need not be looked at.
   */
  #wasOnly({ at, before, except }: Silent): boolean {
    const { modseq, fence } = this.#cursor;
    const told = fence === undefined && modseq === before && this.#view.arrivingUpTo === undefined;
    if (!told || except.length > 0 || this.#knowsModSeq()) return false;
    const position = at as ModSeq;
    this.#cursor = { modseq: position, uid: LAST_UID };
    this.mailbox.lease(position);
    this.#view.pass(position);
    return true;
  }

  async #settle({ next, status }: ChangePage): Promise<readonly string[]> {
    const upTo = this.#view.arrivingUpTo;
    let recentFrom = status.recentFrom;
    // Where somebody else has claimed them all already, there is nothing to claim.
    if (upTo !== undefined && recentFrom < upTo && !this.readOnly) recentFrom = await this.mailbox.claimRecent(upTo);
    if (next.modseq !== this.#view.at) this.mailbox.lease(next.modseq);
    return this.#view.settle(next.modseq, recentFrom);
  }

  async #uids(): Promise<UidList> {
    const view = this.#view;
    if (!view.uids) {
      const uids = await this.mailbox.uids(view.at, view.uidNext);
      if (!view.load(uids)) throw new MailError('gone', 'the change log was trimmed below a view of it');
    }
    if (!view.uids) throw new Error('the list of uids was not loaded');
    return view.uids;
  }
}
