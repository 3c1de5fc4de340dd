import { Authenticator } from '../auth/authenticator.ts';
import { NO_RECORD } from '../auth/decision-record.ts';
import type { Config } from '../config/schema.ts';
import { type AccountId, isAccountId } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import { openLog } from '../observe/log.ts';
import { openDirectory } from '../server/composition.ts';

/** Somebody who was named is not to be found; the message is for the administrator. */
export class NoAccount extends Error {
  override readonly name = 'NoAccount';
}

/**
 * The accounts that options name: by id, as logs and `postern explain` have it, or by login, for which the directories are asked. Ids
 * work also for users whom no directory has any more.
 * @returns undefined when none was named: all of them
 * @throws NoAccount
 */
export async function chosenAccounts(
  named: readonly string[],
  config: Config,
): Promise<ReadonlySet<AccountId> | undefined> {
  if (named.length === 0) return undefined;
  const chosen = new Set<AccountId>(named.filter(isAccountId));
  const logins = named.filter(name => !isAccountId(name));
  if (logins.length === 0) return chosen;
  const { log, close } = openLog({ level: 'error', audit: {} }, { stdout: 2 });
  const directories = new Map(
    Object.entries(config.directories).map(([name, part]) => [name, openDirectory(name, part, log)]),
  );
  const authenticator = new Authenticator({ directories, config: config.authentication, log });
  try {
    for (const login of logins) {
      const { account } = await authenticator.lookup(login, NO_RECORD, AbortSignal.timeout(60_000));
      chosen.add(account);
    }
    return chosen;
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    throw new NoAccount(`${error.message}; name the account by its id`);
  } finally {
    authenticator.close();
    await Promise.allSettled([...directories.values()].map(directory => directory.close()));
    close();
  }
}
