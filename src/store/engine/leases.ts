import type { MailboxId, ModSeq } from '../../mail/ids.ts';

/** Where the views of an account's mailboxes stand: what they have not been told of must not be forgotten. */
export class Leases {
  readonly #held = new Map<object, { readonly mailbox: MailboxId; readonly at: ModSeq }>();

  /** @param holder whoever holds it; its newest lease counts */
  set(holder: object, mailbox: MailboxId, at: ModSeq): void {
    this.#held.set(holder, { mailbox, at });
  }

  has(holder: object): boolean {
    return this.#held.has(holder);
  }

  end(holder: object): void {
    this.#held.delete(holder);
  }

  /** The oldest position leased in a mailbox; undefined: none is. */
  oldest(mailbox: MailboxId): ModSeq | undefined {
    let oldest: ModSeq | undefined;
    for (const lease of this.#held.values()) {
      if (lease.mailbox === mailbox && (oldest === undefined || lease.at < oldest)) oldest = lease.at;
    }
    return oldest;
  }
}
