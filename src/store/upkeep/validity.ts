import type { AccountId } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Index } from '../index/index-port.ts';

/**
 * The largest UIDVALIDITY that an account's mailboxes have; 0 when its index is not there or cannot be read. In that case the wall clock
 * alone must be ahead of what was given out. Closes the index.
 */
export async function lastValidity(index: Index, account: AccountId): Promise<number> {
  try {
    const opened = await index.open(account);
    let last = 0;
    for (const { id, name } of await opened.mailboxes()) {
      if (id !== undefined) last = Math.max(last, (await opened.find(name)).uidValidity);
    }
    await opened.close();
    return last;
  } catch (error) {
    if (error instanceof MailError) return 0;
    throw error;
  } finally {
    await index.close();
  }
}
