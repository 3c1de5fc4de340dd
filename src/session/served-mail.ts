import type { Store } from '../mail/store.ts';
import type { SessionEntry } from '../observe/session-registry.ts';
import type { MailSession, SelectedMailbox, Upload } from './contract.ts';
import { idle } from './idle.ts';
import { Selection } from './selection.ts';

/** Well below the five minutes after which home routers are known to forget a connection. */
const KEEPALIVE_MS = 2 * 60_000;

export interface ServedMailOptions {
  readonly store: Store;
  readonly literalMost: number;
  readonly features: ReadonlySet<string>;
  readonly entry: SessionEntry;
  /** The client's next line. */
  readonly readLine: () => Promise<string>;
  readonly keepalive?: number;
}

/** A logged-in client's mailboxes: the store, the one that is selected, what the client has turned on. */
export class ServedMail implements MailSession {
  readonly store: Store;
  readonly literalMost: number;
  readonly features: ReadonlySet<string>;
  /** Of the command that is being executed; the command loop sets it. */
  upload: Upload | undefined;
  readonly #options: ServedMailOptions;
  readonly #gone = new AbortController();
  readonly #enabled = new Set<string>();
  #selection: Selection | undefined;

  constructor(options: ServedMailOptions) {
    this.store = options.store;
    this.literalMost = options.literalMost;
    this.features = options.features;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  get enabled(): ReadonlySet<string> {
    return this.#enabled;
  }

  get selection(): Selection | undefined {
    return this.#selection;
  }

  get selected(): SelectedMailbox {
    if (!this.#selection) throw new Error('no mailbox is selected in this state');
    return this.#selection;
  }

  async select(name: string, readOnly: boolean): Promise<SelectedMailbox> {
    const mailbox = await this.store.open(name, readOnly);
    const selection = await Selection.open(mailbox, name, () => this.#enabled.has('CONDSTORE'));
    this.#selection = selection;
    this.#options.entry.mailbox = name;
    return selection;
  }

  async unselect(): Promise<boolean> {
    const selection = this.#selection;
    this.#selection = undefined;
    this.#options.entry.mailbox = undefined;
    await selection?.close();
    return selection !== undefined;
  }

  enable(feature: string): boolean {
    if (this.#enabled.has(feature)) return false;
    this.#enabled.add(feature);
    if (feature === 'CONDSTORE') this.#selection?.announceModSeq();
    return true;
  }

  idle(): AsyncGenerator<string | Buffer, string, undefined> {
    const { readLine, keepalive = KEEPALIVE_MS } = this.#options;
    return idle({ line: readLine(), store: this.store, selection: this.#selection, keepalive });
  }

  /** The client is gone, or has been told so: whatever is still being done for it may stop. */
  abort(reason: Error): void {
    this.#gone.abort(reason);
  }

  /** The store is its opener's. */
  async close(): Promise<void> {
    await this.unselect();
  }
}
