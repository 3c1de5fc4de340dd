import type { AccountId, MailboxId } from '../../mail/ids.ts';
import type { Wake } from '../../mail/store.ts';

/**
 * Carries wakes from whoever changes a mailbox to whoever watches it: never data, and never relied upon for being right (watchers
 * look by themselves every few seconds). Implementations pass `test/conformance/bus.ts`.
 */
export interface Bus {
  post(account: AccountId, wake: Wake): void;
  /**
   * Wakes from now on, those that wait joined into the newest for each mailbox. Subscribed when this returns, not at the first pull.
   * Ends with the signal, and does not throw.
   */
  subscribe(account: AccountId, mailbox: MailboxId | undefined, signal: AbortSignal): AsyncIterable<Wake>;
}
