import type { MailboxStatus } from '../mail/mailbox.ts';

/** What STATUS can be asked (RFC 3501 §6.3.10); all of them come from the same counters. */
export interface StatusItem {
  /** In capitals. */
  readonly name: string;
  value(status: MailboxStatus): number | string;
  /** What asking for it turns on (RFC 7162 §3.1). */
  readonly enables?: string;
}
