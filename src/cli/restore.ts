import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { AccountId } from '../mail/ids.ts';
import { openSqliteCatalogue } from '../store/catalogue/sqlite-catalogue.ts';
import { type DataPlaces, dataPlaces } from '../store/data-places.ts';
import { openSqliteIndex } from '../store/index/sqlite-index.ts';
import { type BackupFolder, openBackupFolder, readManifest } from '../store/upkeep/backup-folder.ts';
import { exists, makeFolder } from '../store/upkeep/durable-files.ts';
import { bringOwners } from '../store/upkeep/owners.ts';
import { giveToOwner } from '../store/upkeep/ownership.ts';
import { type AccountRestore, restore as restoreAccounts } from '../store/upkeep/restore.ts';
import { nameOf } from './account-name.ts';
import { chosenAccounts, knownLogins } from './account-option.ts';
import { parseArguments } from './arguments.ts';
import { isForPeople, onClosedAccounts } from './closed-accounts.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { renderTable } from './table.ts';

const usage = `usage: postern restore DIR (--all | --account NAME ...) [--run NAME] [--config FILE] [--copy] [--json]
       postern restore DIR --list

Makes accounts what they were when postern backup copied them into the folder DIR. What an account was before is put aside in "replaced"
below server.data: remove it when all is well. Clients load restored mailboxes anew, because each gets a new UIDVALIDITY. A running
server ends the sessions of accounts that are named, and keeps everybody out of each while it is restored. Run it as root or as the user
that Postern runs as.
--all        every account that the backup has; the server must be stopped
--account    a login, or the id of an account; may be given several times
--run        the run to take; by default, for each account, the newest that has it
--list       shows the runs
--copy       copies messages even where the file system could give the same file a second name
--json       a line of JSON for each account
Exit status: 0 done, 1 some accounts could not be restored, or nothing could; 78 the configuration is wrong.
`;

export const restore: CliCommand = {
  name: 'restore',
  summary: 'make accounts what they were at a backup',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      config: { type: 'string' },
      all: { type: 'boolean' },
      account: { type: 'string', multiple: true },
      run: { type: 'string' },
      list: { type: 'boolean' },
      copy: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) throw new UsageError('say one folder');
    const root = resolve(io.cwd, folder);
    const { account: named = [], all, list, json = false } = values;
    if (list !== true && named.length > 0 === (all === true)) throw new UsageError('say either --all or --account');
    try {
      if (list === true) return await listRuns(await openBackupFolder(root, false), json, io);
      const loaded = loadOrExplain(values.config, io);
      if (typeof loaded === 'number') return loaded;
      const how = { named, run: values.run, link: values.copy !== true, json };
      return await run(root, how, loaded.config, io);
    } catch (error) {
      if (!isForPeople(error)) throw error;
      io.stderr(`postern restore: ${error.message}\n`);
      return EXIT.failure;
    }
  },
};

interface How {
  readonly named: readonly string[];
  readonly run: string | undefined;
  readonly link: boolean;
  readonly json: boolean;
}

async function run(root: string, { named, run: name, link, json }: How, config: Config, io: CliIo): Promise<number> {
  const chosen = await chosenAccounts(named, config);
  const logins = await knownLogins(config);
  const folder = await openBackupFolder(root, false);
  const sum = { restored: 0, failed: 0 };
  await onClosedAccounts(config, chosen, async (data, accounts) => {
    const places = dataPlaces(data);
    await makeFolder(places.accounts);
    const byRun = new Map<string, AccountId[]>();
    const { restored, failed } = await restoreAccounts({
      data: places,
      folder,
      openIndex: directory => openSqliteIndex({ directory, threads: 0 }),
      ...(name !== undefined && { run: name }),
      ...(accounts && { accounts }),
      link,
      onAccount(done) {
        if (done.outcome === 'restored') byRun.set(done.run, [...(byRun.get(done.run) ?? []), done.account]);
        const login = logins.get(done.account);
        io.stdout(json ? `${JSON.stringify({ ...done, login })}\n` : renderAccount(done, nameOf(done.account, login)));
      },
    });
    await tellOwners(byRun, folder, places);
    sum.restored += restored;
    sum.failed += failed;
  });
  if (!json) io.stdout(`${sum.restored} accounts restored, ${sum.failed} failed\n`);
  return sum.failed > 0 ? EXIT.failure : EXIT.ok;
}

/** In a new data folder, and after it was lost, the catalogue does not know the accounts. */
async function tellOwners(
  byRun: ReadonlyMap<string, readonly AccountId[]>,
  folder: BackupFolder,
  { root, catalogue: path }: DataPlaces,
): Promise<void> {
  const catalogue = openSqliteCatalogue(path);
  try {
    for (const [run, accounts] of byRun) await bringOwners(accounts, folder.run(run), openSqliteCatalogue, catalogue);
  } finally {
    await catalogue.close();
  }
  if (await exists(path)) await giveToOwner(root, path);
}

function renderAccount(
  { outcome, run: name, messages, unreadable = 0, aside, problem }: AccountRestore,
  who: string,
): string {
  if (outcome === 'failed') return `${who}: not restored: ${problem}\n`;
  const lost = unreadable > 0 ? `, ${unreadable} contents cannot be read` : '';
  const before = aside === undefined ? '' : `; what was there before: ${aside}`;
  return `${who}: ${messages} messages of ${name}${lost}${before}\n`;
}

async function listRuns(folder: BackupFolder, json: boolean, io: CliIo): Promise<number> {
  const rows: { run: string; began: string; ended: string; accounts: number; failed: number }[] = [];
  for (const name of await folder.wholeRuns()) {
    const { run: about, accounts } = await readManifest(folder.run(name));
    rows.push({
      run: name,
      began: about.began,
      ended: about.ended,
      accounts: accounts.size,
      failed: about.failed.length,
    });
  }
  if (json) io.stdout(`${JSON.stringify(rows)}\n`);
  else {
    io.stdout(
      renderTable(
        [{ title: 'RUN' }, { title: 'ENDED' }, { title: 'ACCOUNTS', right: true }, { title: 'FAILED', right: true }],
        rows.map(row => [row.run, row.ended, String(row.accounts), String(row.failed)]),
      ),
    );
  }
  return EXIT.ok;
}
