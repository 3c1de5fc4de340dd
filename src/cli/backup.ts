import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { AccountId } from '../mail/ids.ts';
import { copyIndexReport } from '../observe/admin-reports.ts';
import { openSqliteCatalogue } from '../store/catalogue/sqlite-catalogue.ts';
import { DataFolderError, type DataLock, takeDataFolder } from '../store/data-lock.ts';
import { type DataPlaces, dataPlaces } from '../store/data-places.ts';
import { openSqliteIndex } from '../store/index/sqlite-index.ts';
import { type AccountBackup, backUp } from '../store/upkeep/backup.ts';
import { openBackupFolder } from '../store/upkeep/backup-folder.ts';
import { keepOwners } from '../store/upkeep/owners.ts';
import { keepNewest } from '../store/upkeep/prune.ts';
import { nameOf } from './account-name.ts';
import { chosenAccounts, knownLogins } from './account-option.ts';
import { callAdmin, checked } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { isForPeople } from './closed-accounts.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { renderSize } from './table.ts';

const usage = `usage: postern backup DIR [--config FILE] [--account NAME]... [--copy] [--keep N] [--json]

Copies the mail of all accounts, or of those named, into the folder DIR, while the server runs or not. A second backup into the same
folder copies only what is new, and both can be restored. Run it as root or as the user that Postern runs as.
--account    a login, or the id of an account; may be given several times
--copy       copies messages even where the file system could give the same file a second name (a disk that rots takes both)
--keep N     removes older runs, so that N are left, and the messages that only they had
--json       a line of JSON for each account, and one for the whole
Exit status: 0 done, 1 some accounts or messages could not be copied, or nothing could; 78 the configuration is wrong.
`;

export const backup: CliCommand = {
  name: 'backup',
  summary: 'copy the mail of all accounts, while they are used',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      config: { type: 'string' },
      account: { type: 'string', multiple: true },
      copy: { type: 'boolean' },
      keep: { type: 'string' },
      json: { type: 'boolean' },
    });
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) throw new UsageError('say one folder');
    const keep = values.keep === undefined ? undefined : wholeNumber(values.keep);
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    const work = { folder: resolve(io.cwd, folder), link: values.copy !== true, keep, json: values.json === true };
    try {
      return await run({ ...work, named: values.account ?? [] }, loaded.config, io);
    } catch (error) {
      if (!isForPeople(error)) throw error;
      io.stderr(`postern backup: ${error.message}\n`);
      return EXIT.failure;
    }
  },
};

interface Work {
  readonly folder: string;
  readonly named: readonly string[];
  readonly link: boolean;
  readonly keep: number | undefined;
  readonly json: boolean;
}

async function run({ folder: root, named, link, keep, json }: Work, config: Config, io: CliIo): Promise<number> {
  const accounts = await chosenAccounts(named, config);
  const logins = await knownLogins(config);
  const data = dataPlaces(config.server.data);
  const folder = await openBackupFolder(root, true);
  const source = openSource(data, config);
  try {
    const summary = await folder.alone(async () => {
      const done = await backUp({
        data,
        folder,
        copyIndex: source.copy,
        openIndex: directory => openSqliteIndex({ directory, threads: 0 }),
        keepAlso: place => keepOwners(data.catalogue, openSqliteCatalogue, place),
        ...(accounts && { accounts }),
        link,
        onAccount: account => tellAccount(account, logins.get(account.account), json, io),
      });
      return { ...done, removed: keep === undefined ? 0 : await keepNewest(folder, data.accounts, keep) };
    });
    const { run: name, blobs, octets, linked, failed, missing, unchanged, removed } = summary;
    if (json) io.stdout(`${JSON.stringify(summary)}\n`);
    else {
      io.stdout(
        `${name}: ${summary.accounts} accounts (${unchanged} unchanged, ${failed} failed), ` +
          `${blobs} new messages of ${renderSize(octets)} (${linked} without taking space)` +
          `${removed > 0 ? `, ${removed} old runs removed` : ''}\n`,
      );
    }
    return failed + missing > 0 ? EXIT.failure : EXIT.ok;
  } finally {
    await source.close();
  }
}

/** Copies indexes: the running server does where there is one, since the files are its own. */
interface Source {
  copy(account: AccountId, path: string): Promise<void>;
  close(): Promise<void>;
}

function openSource(data: DataPlaces, config: Config): Source {
  let lock: DataLock;
  try {
    lock = takeDataFolder(data.root);
  } catch (error) {
    if (!(error instanceof DataFolderError) || error.kind !== 'taken') throw error;
    return askingServer(config);
  }
  const index = openSqliteIndex({ directory: data.accounts, threads: 0 });
  return {
    async copy(account, path) {
      const opened = await index.open(account);
      await opened.copyTo(path);
      await opened.close();
    },
    async close() {
      await index.close();
      lock.release();
    },
  };
}

function askingServer({ admin }: Config): Source {
  return {
    async copy(account, path) {
      const answer = await callAdmin(admin.socket, { command: 'copy-index', account });
      const made = checked(copyIndexReport, answer);
      await rm(path, { force: true });
      await rename(made.path, path);
    },
    async close() {},
  };
}

function tellAccount(
  { account, outcome, problem, brought }: AccountBackup,
  login: string | undefined,
  json: boolean,
  io: CliIo,
): void {
  if (json) {
    const { blobs = 0, octets = 0, linked = 0 } = brought ?? {};
    io.stdout(`${JSON.stringify({ account, login, outcome, problem, blobs, octets, linked })}\n`);
  } else if (problem !== undefined) io.stderr(`${nameOf(account, login)}: ${problem}\n`);
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--keep ${text} is not a number of runs`);
  return Number(text);
}
