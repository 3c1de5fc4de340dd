import type { AccountId } from '../../mail/ids.ts';
import type { Query } from '../../mail/query.ts';
import type { StoredContent } from '../index/index-port.ts';

/** A message whose texts must be read to answer what is left of a query. */
export interface ScanItem {
  readonly content: StoredContent;
  readonly residual: Query;
}

/** Reads texts of messages, away from the event loop. */
export interface Scanner {
  /**
   * Whether each of the items matches, in order.
   * @throws MailError `unavailable`; the signal's reason
   */
  scan(account: AccountId, items: readonly ScanItem[], signal: AbortSignal): Promise<readonly boolean[]>;
  close(): Promise<void>;
}
