import { existsSync } from 'node:fs';
import { Authenticator } from '../auth/authenticator.ts';
import { NO_RECORD } from '../auth/decision-record.ts';
import type { Config } from '../config/schema.ts';
import { type AccountId, isAccountId } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import { openLog } from '../observe/log.ts';
import { openDirectory } from '../server/composition.ts';
import type { AccountRecord, Catalogue } from '../store/catalogue/catalogue.ts';
import { openSqliteCatalogue } from '../store/catalogue/sqlite-catalogue.ts';
import { dataPlaces } from '../store/data-places.ts';

/** Somebody who was named is not to be found; the message is for the administrator. */
export class NoAccount extends Error {
  override readonly name = 'NoAccount';
}

/**
 * The accounts that options name: by id, as logs and `postern explain` have it, or by login, for which the directories are asked, then
 * the catalogue.
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
    for (const login of logins) chosen.add(await accountOf(login, authenticator, config));
    return chosen;
  } finally {
    authenticator.close();
    await Promise.allSettled([...directories.values()].map(directory => directory.close()));
    close();
  }
}

/** What the directories say counts; of users whom they do not have any more, the catalogue knows who they were. */
async function accountOf(login: string, authenticator: Authenticator, config: Config): Promise<AccountId> {
  try {
    return (await authenticator.lookup(login, NO_RECORD, AbortSignal.timeout(60_000))).account;
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    const known = await inCatalogue(config, catalogue => catalogue.findByLogin(login));
    const [only, ...others] = known ?? [];
    if (only && others.length === 0) return only.account;
    const ids = (known ?? []).map(({ account }) => account).join(', ');
    throw new NoAccount(`${error.message}; name the account by its id${ids === '' ? '' : `, which may be ${ids}`}`);
  }
}

/** The logins that accounts were last used by, as far as that is known. */
export async function knownLogins(config: Config): Promise<ReadonlyMap<string, string>> {
  const logins = new Map<string, string>();
  await inCatalogue(config, async catalogue => {
    let after: AccountId | undefined;
    do {
      const page: readonly AccountRecord[] = await catalogue.list(after, 1000);
      for (const { account, login } of page) logins.set(account, login);
      after = page.at(-1)?.account;
    } while (after !== undefined);
  });
  return logins;
}

/** Asks the catalogue, if there is one that can be read: nothing that is asked for depends on it. */
async function inCatalogue<T>({ server }: Config, ask: (catalogue: Catalogue) => Promise<T>): Promise<T | undefined> {
  const path = dataPlaces(server.data).catalogue;
  if (!existsSync(path)) return undefined;
  const catalogue = openSqliteCatalogue(path);
  try {
    return await ask(catalogue);
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return undefined;
  } finally {
    await catalogue.close();
  }
}
