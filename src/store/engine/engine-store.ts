import type { MailboxId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { MailboxEdit, MailboxInfo, MailboxStatus } from '../../mail/mailbox.ts';
import type { Appended, NewMessage } from '../../mail/message.ts';
import type { Mailbox, Store, Wake } from '../../mail/store.ts';
import { append } from './append.ts';
import { EngineMailbox } from './engine-mailbox.ts';
import type { OpenAccount } from './open-account.ts';

/** One session's way into an account. */
export class EngineStore implements Store {
  readonly #account: OpenAccount;
  readonly #release: (account: OpenAccount) => void;
  readonly #mailboxes = new Set<EngineMailbox>();
  #closed = false;

  /** @param release called once, when the store is closed */
  constructor(account: OpenAccount, release: (account: OpenAccount) => void) {
    this.#account = account;
    this.#release = release;
  }

  list(): Promise<readonly MailboxInfo[]> {
    return this.#run(({ index }) => index.mailboxes());
  }

  status(name: string): Promise<MailboxStatus> {
    return this.#run(({ index }) => index.find(name));
  }

  edit(edit: MailboxEdit): Promise<void> {
    return this.#run(async account => {
      try {
        const { at, touched } = await account.index.edit(edit);
        for (const mailbox of touched) account.touched(mailbox, at);
        account.changed(undefined, at);
      } catch (error) {
        account.notes.forgetAll();
        throw error;
      }
    });
  }

  open(name: string, readOnly: boolean): Promise<Mailbox> {
    return this.#run(async account => {
      const { id } = await account.index.find(name);
      const mailbox = new EngineMailbox(account, id, readOnly, closed => this.#mailboxes.delete(closed));
      if (this.#closed) await mailbox.close();
      else this.#mailboxes.add(mailbox);
      return mailbox;
    });
  }

  append(name: string, messages: AsyncIterable<NewMessage>, signal: AbortSignal): Promise<Appended> {
    return this.#run(account => append(account, name, messages, signal));
  }

  watch({ mailbox }: { readonly mailbox?: MailboxId }, signal: AbortSignal): AsyncIterable<Wake> {
    return this.#account.watch(mailbox, signal);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#mailboxes].map(mailbox => mailbox.close()));
    this.#release(this.#account);
  }

  async #run<T>(work: (account: OpenAccount) => Promise<T>): Promise<T> {
    if (this.#closed) throw new MailError('unavailable', 'the store is closed');
    return this.#account.run(() => work(this.#account));
  }
}
