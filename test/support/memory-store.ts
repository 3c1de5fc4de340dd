import { KEYWORDS_MOST } from '../../src/mail/flags.ts';
import type { MailboxId, ModSeq, Uid } from '../../src/mail/ids.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import type { MailboxEdit, MailboxInfo, SpecialUse } from '../../src/mail/mailbox.ts';
import type { ContentHandle, NewMessage } from '../../src/mail/message.ts';
import { byteColumn, type Field, type RowPage } from '../../src/mail/rows.ts';
import type { Mailbox, Store } from '../../src/mail/store.ts';
import { rangesOf, type UidRanges } from '../../src/mail/uid-ranges.ts';
import { MemoryBox, uidsOf } from './memory-mailbox.ts';
import { headerOf, type Letter, type MemoryMessage, readLetter, sectionOf } from './memory-message.ts';
import { matches } from './memory-search.ts';
import { Watchers } from './memory-watch.ts';

export interface MemoryOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Folders besides INBOX that are there from the start, by name. */
  readonly folders?: Readonly<Record<string, SpecialUse | undefined>>;
  /** Rows in a page. */
  readonly pageRows?: number;
  /** Changes in a page, fewer than may be asked for. */
  readonly pageChanges?: number;
  /** Octets that a message may have. */
  readonly messageMost?: number;
  readonly keywordsMost?: number;
}

/**
 * An account on plain arrays, simple enough to be right by being read: what a Store has to do, and a double for tests of what stands
 * on one. Every session opens its own Store on it.
 */
export class MemoryAccount {
  /** The mailboxes by name. */
  readonly boxes = new Map<string, MemoryBox>();
  readonly subscribed = new Set<string>();
  readonly watchers = new Watchers();
  readonly options: Required<MemoryOptions>;
  #ids = 0;
  #uidValidity = 0;
  #letters = 0;
  #at: number;

  constructor(options: MemoryOptions = {}) {
    this.options = {
      now: Date.now,
      folders: {},
      pageRows: 100,
      pageChanges: Number.POSITIVE_INFINITY,
      messageMost: Number.POSITIVE_INFINITY,
      keywordsMost: KEYWORDS_MOST,
      ...options,
    };
    this.#at = this.options.now() * 1000;
    this.#create('INBOX', undefined);
    for (const [name, use] of Object.entries(this.options.folders)) this.#create(name, use);
    for (const name of this.boxes.keys()) this.subscribed.add(name);
  }

  open(): Store {
    return new MemoryStore(this);
  }

  nextLetter(): number {
    this.#letters += 1;
    return this.#letters;
  }

  /** @throws MailError of `kind` */
  box(name: string, kind: 'nonexistent' | 'no-target' = 'nonexistent'): MemoryBox {
    const box = this.boxes.get(name);
    if (!box) throw new MailError(kind, `no mailbox ${name}`);
    return box;
  }

  wake(...boxes: readonly MemoryBox[]): void {
    for (const { id, at } of boxes) this.watchers.post({ mailbox: id, at });
  }

  list(): MailboxInfo[] {
    const names = new Set([...this.boxes.keys(), ...this.subscribed]);
    for (const name of this.boxes.keys()) for (const level of levelsAbove(name)) names.add(level);
    return [...names].sort().map(name => {
      const box = this.boxes.get(name);
      return { name, id: box?.id, subscribed: this.subscribed.has(name), specialUse: box?.specialUse };
    });
  }

  edit(edit: MailboxEdit): void {
    switch (edit.kind) {
      case 'create':
        if (this.boxes.has(edit.name)) throw new MailError('already-exists', edit.name);
        this.#create(edit.name, edit.specialUse);
        break;
      case 'delete':
        this.#delete(edit.name);
        break;
      case 'rename':
        this.#rename(edit.from, edit.to);
        break;
      case 'subscribe':
        this.subscribed.add(edit.name);
        break;
      case 'unsubscribe':
        this.subscribed.delete(edit.name);
        break;
    }
    this.#at += 1;
    this.watchers.post({ mailbox: undefined, at: this.#at as ModSeq });
  }

  #create(name: string, specialUse: SpecialUse | undefined): MemoryBox {
    const now = this.options.now();
    this.#ids += 1;
    this.#uidValidity = Math.max(this.#uidValidity + 1, Math.floor(now / 1000));
    const box = new MemoryBox(this.#ids as MailboxId, this.#uidValidity, now * 1000, this.options.keywordsMost);
    box.specialUse = specialUse;
    this.boxes.set(name, box);
    return box;
  }

  #delete(name: string): void {
    if (name === 'INBOX') throw new MailError('cannot', 'INBOX stays');
    const box = this.boxes.get(name);
    if (!box) throw new MailError(this.#below(name).length > 0 ? 'has-children' : 'nonexistent', name);
    box.gone = 'deleted';
    this.boxes.delete(name);
    this.wake(box);
  }

  #rename(from: string, to: string): void {
    const moving = from === 'INBOX' ? [] : this.#below(from);
    if (!this.boxes.has(from) && moving.length === 0) throw new MailError('nonexistent', from);
    if (this.boxes.has(to)) throw new MailError('already-exists', to);
    if (to.startsWith(`${from}/`) && from !== 'INBOX') throw new MailError('cannot', 'into itself');
    for (const name of moving) {
      if (this.boxes.has(to + name.slice(from.length))) throw new MailError('already-exists', to);
    }
    if (from === 'INBOX') {
      const inbox = this.box('INBOX');
      const target = this.#create(to, undefined);
      const all = [...inbox.messages];
      target.arrive(all, this.options.now());
      inbox.remove(all);
      this.wake(inbox, target);
      return;
    }
    for (const name of [from, ...moving]) {
      const box = this.boxes.get(name);
      if (!box) continue;
      this.boxes.delete(name);
      this.boxes.set(to + name.slice(from.length), box);
    }
  }

  #below(name: string): string[] {
    return [...this.boxes.keys()].filter(other => other.startsWith(`${name}/`));
  }
}

function levelsAbove(name: string): string[] {
  const levels = name.split('/');
  return levels.slice(1).map((_, index) => levels.slice(0, index + 1).join('/'));
}

class MemoryStore implements Store {
  readonly #account: MemoryAccount;

  constructor(account: MemoryAccount) {
    this.#account = account;
  }

  async list() {
    return this.#account.list();
  }

  async status(name: string) {
    return this.#account.box(name).status();
  }

  async edit(edit: MailboxEdit) {
    this.#account.edit(edit);
  }

  async open(name: string, readOnly: boolean): Promise<Mailbox> {
    return new MemoryMailbox(this.#account, this.#account.box(name), readOnly);
  }

  async append(name: string, messages: AsyncIterable<NewMessage>, signal: AbortSignal) {
    const account = this.#account;
    account.box(name, 'no-target');
    const arrivals: { letter: Letter; flags: readonly string[] }[] = [];
    for await (const message of messages) {
      if (message.size > account.options.messageMost) throw new MailError('too-big', `${message.size} octets`);
      arrivals.push({ letter: await readLetter(message, account.nextLetter()), flags: message.flags });
      signal.throwIfAborted();
    }
    const box = account.box(name, 'no-target');
    const uids = box.arrive(arrivals, account.options.now());
    account.wake(box);
    return { uidValidity: box.uidValidity, uids: rangesOf(uids), at: box.at };
  }

  watch({ mailbox }: { readonly mailbox?: MailboxId }, signal: AbortSignal) {
    return this.#account.watchers.watch(mailbox, signal);
  }

  async close() {}
}

class MemoryMailbox implements Mailbox {
  readonly id: MailboxId;
  readonly readOnly: boolean;
  readonly #account: MemoryAccount;
  readonly #box: MemoryBox;
  readonly #letters = new WeakMap<ContentHandle, Letter>();

  constructor(account: MemoryAccount, box: MemoryBox, readOnly: boolean) {
    this.#account = account;
    this.#box = box;
    this.id = box.id;
    this.readOnly = readOnly;
  }

  async snapshot(claimRecent: boolean) {
    return this.#box.live().snapshot(claimRecent && !this.readOnly);
  }

  async claimRecent(upTo: Uid) {
    return this.#box.live().claimRecent(upTo);
  }

  async uids(at: ModSeq, uidNext: Uid) {
    return this.#box.live().uids(at, uidNext);
  }

  async changes(...[since, limit]: Parameters<Mailbox['changes']>) {
    return this.#box.changes(since, Math.min(limit, this.#account.options.pageChanges));
  }

  lease() {}

  async *rows(uids: UidRanges, want: readonly Field[]): AsyncGenerator<RowPage> {
    const { pageRows } = this.#account.options;
    let after = 0;
    for (;;) {
      const rest = this.#box
        .live()
        .named(uids)
        .filter(({ uid }) => uid > after);
      const page = rest.slice(0, pageRows);
      const last = page.at(-1);
      if (!last) return;
      after = last.uid;
      yield this.#page(page, new Set(want));
    }
  }

  #page(page: readonly MemoryMessage[], want: ReadonlySet<Field>): RowPage {
    const column = <T>(field: Field, name: keyof RowPage, values: () => T) =>
      want.has(field) ? { [name]: values() } : {};
    const numbers = (of: (message: MemoryMessage) => number) => () => Float64Array.from(page, of);
    const octets = (of: (letter: Letter) => Buffer) => () => byteColumn(page.map(({ letter }) => of(letter)));
    const texts = (of: (letter: Letter) => string) => () => page.map(({ letter }) => of(letter));
    return {
      uids: Uint32Array.from(page, ({ uid }) => uid),
      keywords: [...this.#box.keywords.names],
      ...column(
        'flags',
        'flags',
        numbers(message => this.#box.mask(message)),
      ),
      ...column(
        'modseq',
        'modseqs',
        numbers(({ modseq }) => modseq),
      ),
      ...column(
        'size',
        'sizes',
        numbers(({ letter }) => letter.octets.length),
      ),
      ...column(
        'date',
        'dates',
        numbers(({ letter }) => letter.date.time),
      ),
      ...column('date', 'zones', () => Int16Array.from(page, ({ letter }) => letter.date.zone)),
      ...column(
        'saveDate',
        'saveDates',
        numbers(({ saved }) => saved),
      ),
      ...column(
        'emailId',
        'emailIds',
        texts(({ emailId }) => emailId),
      ),
      ...column(
        'threadId',
        'threadIds',
        texts(({ emailId }) => `T${emailId}`),
      ),
      ...column(
        'envelope',
        'envelopes',
        octets(({ envelope }) => envelope),
      ),
      ...column(
        'body',
        'bodies',
        octets(({ body }) => body),
      ),
      ...column(
        'structure',
        'structures',
        octets(({ bodyStructure }) => bodyStructure),
      ),
      ...column('header', 'headers', octets(headerOf)),
      ...column('content', 'contents', () => page.map(({ letter }) => this.#handle(letter))),
    };
  }

  #handle(letter: Letter): ContentHandle {
    const handle: ContentHandle = {};
    this.#letters.set(handle, letter);
    return handle;
  }

  async content(...[of, section]: Parameters<Mailbox['content']>) {
    const letter = this.#letters.get(of);
    return letter && sectionOf(letter, section);
  }

  async search(...[query]: Parameters<Mailbox['search']>) {
    const found = this.#box.live().messages.filter(message => matches(message, query));
    const maxModSeq = found.reduce((most, { modseq }) => Math.max(most, modseq), 0) as ModSeq;
    return { uids: Uint32Array.from(found, ({ uid }) => uid), maxModSeq };
  }

  async setFlags(...[uids, change, options]: Parameters<Mailbox['setFlags']>) {
    this.#mayWrite();
    const set = this.#box.live().setFlags(uids, change, options);
    this.#account.wake(this.#box);
    return set;
  }

  async copy(uids: UidRanges, to: string, move: boolean) {
    if (move) this.#mayWrite();
    const source = this.#box.live();
    const target = this.#account.box(to, 'no-target');
    const from = source.named(uids);
    const arrived = target.arrive(from, this.#account.options.now());
    if (move) source.remove(from);
    this.#account.wake(target, source);
    return { uidValidity: target.uidValidity, from: uidsOf(from), to: rangesOf(arrived), at: target.at };
  }

  async expunge(uids: UidRanges | undefined) {
    this.#mayWrite();
    const { messages } = this.#box.live();
    const among = uids ? this.#box.named(uids) : messages;
    this.#box.remove(among.filter(({ flags }) => flags.has('\\Deleted')));
    this.#account.wake(this.#box);
    return this.#box.at;
  }

  async close() {}

  #mayWrite(): void {
    if (this.readOnly) throw new MailError('read-only', 'opened for reading');
  }
}
