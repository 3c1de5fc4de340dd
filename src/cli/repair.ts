import type { Config } from '../config/schema.ts';
import { DEFAULT_STORE } from '../config/stores.ts';
import { firstMailboxes } from '../server/serving.ts';
import { openDirectoryBlobs } from '../store/blobs/directory-blobs.ts';
import { dataPlaces } from '../store/data-places.ts';
import { openSqliteIndex } from '../store/index/sqlite-index.ts';
import { type AccountRepair, repair as repairAccounts } from '../store/upkeep/repair.ts';
import { nameOf } from './account-name.ts';
import { chosenAccounts, knownLogins } from './account-option.ts';
import { parseArguments } from './arguments.ts';
import { isForPeople, onClosedAccounts } from './closed-accounts.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';

const usage = `usage: postern repair [--account NAME ...] [--check] [--deep] [--rebuild] [--config FILE] [--json]

Looks at all accounts, or at those named, and makes anew the indexes that are missing or cannot be read: from the newest snapshot
(stores.local.snapshots) and from the messages themselves. Messages that came after the snapshot are put into "Recovered", unread;
what happened to flags and folders since is lost. Repaired mailboxes get a new UIDVALIDITY, so that clients load them anew. The damaged
index is kept beside the new one. Run it as root or as the user that Postern runs as.
--account    a login, or the id of an account; may be given several times. A running server ends their sessions, and keeps everybody out
             of each meanwhile; without --account it must be stopped
--check      only tells what is wrong
--deep       reads every octet of every message, too
--rebuild    makes the index anew although it can be read; only with --account
--json       a line of JSON for each account
Exit status: 0 all is well now, 1 something is wrong and was not mended; 78 the configuration is wrong.
`;

export const repair: CliCommand = {
  name: 'repair',
  summary: 'look for damage in the accounts, and mend indexes that cannot be read',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      config: { type: 'string' },
      account: { type: 'string', multiple: true },
      check: { type: 'boolean' },
      deep: { type: 'boolean' },
      rebuild: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const { account: named = [], check: look = false, deep = false, rebuild = false, json = false } = values;
    if (positionals.length > 0) throw new UsageError(`repair takes no "${positionals.join(' ')}"`);
    if (rebuild && named.length === 0) throw new UsageError('--rebuild needs --account');
    if (rebuild && look) throw new UsageError('either --check or --rebuild');
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    try {
      return await run({ named, look, deep, rebuild, json }, loaded.config, io);
    } catch (error) {
      if (!isForPeople(error)) throw error;
      io.stderr(`postern repair: ${error.message}\n`);
      return EXIT.failure;
    }
  },
};

interface How {
  readonly named: readonly string[];
  readonly look: boolean;
  readonly deep: boolean;
  readonly rebuild: boolean;
  readonly json: boolean;
}

async function run({ named, json, ...how }: How, config: Config, io: CliIo): Promise<number> {
  const chosen = await chosenAccounts(named, config);
  const logins = await knownLogins(config);
  const sum = { sound: 0, faulty: 0, repaired: 0, failed: 0 };
  await onClosedAccounts(config, chosen, async (data, accounts) => {
    const done = await repairAccounts({
      data: dataPlaces(data),
      openIndex: directory => openSqliteIndex({ directory, threads: 0 }),
      openBlobs: directory => openDirectoryBlobs({ directory }),
      mailboxes: firstMailboxes(config.stores[DEFAULT_STORE]?.folders ?? {}),
      ...(accounts && { accounts }),
      ...how,
      onAccount(one) {
        const login = logins.get(one.account);
        io.stdout(json ? `${JSON.stringify({ ...one, login })}\n` : renderAccount(one, nameOf(one.account, login)));
      },
    });
    sum.sound += done.sound;
    sum.faulty += done.faulty;
    sum.repaired += done.repaired;
    sum.failed += done.failed;
  });
  const { sound, faulty, repaired, failed } = sum;
  if (!json) io.stdout(`${sound} sound, ${repaired} repaired, ${faulty} with faults, ${failed} not mended\n`);
  return faulty + failed > 0 ? EXIT.failure : EXIT.ok;
}

/** Faults told of an account; the rest is counted. */
const MOST_TOLD = 20;

function renderAccount({ outcome, faults, ...done }: AccountRepair, who: string): string {
  if (outcome === 'sound') return '';
  const told = faults.slice(0, MOST_TOLD).map(fault => `${who}: ${fault}\n`);
  if (faults.length > MOST_TOLD) told.push(`${who}: ... and ${faults.length - MOST_TOLD} more\n`);
  if (outcome === 'repaired') {
    const base =
      done.snapshot === undefined ? 'the messages alone' : `the snapshot of ${new Date(done.snapshot).toISOString()}`;
    told.push(
      `${who}: made anew from ${base}: ${done.recovered ?? 0} messages in Recovered, ` +
        `${done.dropped ?? 0} dropped because their contents are gone` +
        `${done.aside === undefined ? '' : `; the damaged index: ${done.aside}`}\n`,
    );
  }
  return told.join('');
}
