import { AppPasswordFolder, type ListedAppPassword } from '../auth/app-passwords/folder.ts';
import { networkMatcher } from '../auth/app-passwords/network-match.ts';
import { AuthError } from '../auth/directory.ts';
import { parseDuration } from '../config/quantities.ts';
import type { Config } from '../config/schema.ts';
import type { AccountId } from '../mail/ids.ts';
import { kickResult } from '../observe/admin-reports.ts';
import { dataPlaces } from '../store/data-places.ts';
import { chosenAccounts, NoAccount } from './account-option.ts';
import { AdminError, callAdmin, checked } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { renderTable } from './table.ts';

const OPTIONS = {
  config: { type: 'string' },
  name: { type: 'string' },
  expires: { type: 'string' },
  only: { type: 'string', multiple: true },
  from: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>['values'];

const MOST_NAME = 100;
const PROTOCOLS = ['imap'];

/** `postern app-password`: passwords for single devices. */
export const appPasswordCommand: CliCommand = {
  name: 'app-password',
  summary: 'make, list and revoke passwords for single devices',
  usage: `usage: postern app-password create LOGIN [--name TEXT] [--expires WHEN] [--only imap] [--from NETWORK ...] [--json]
       postern app-password list LOGIN [--json]
       postern app-password revoke LOGIN ID ... | --all

An app password lets one device in, in place of the password of the directory, and can be taken away by itself. It is shown once; what
is kept is a hash below server.data. A running server knows of changes at the next login, and ends the sessions of a revoked one.
Takes effect with authentication.app_passwords in the configuration. LOGIN may be the id of an account.

  --name TEXT      what it is for, such as "phone"
  --expires WHEN   90d, 12h, or a day such as 2027-06-30, at whose end (UTC) it expires; default: never
  --only imap      for this protocol alone; default: for all there are or will be
  --from NETWORK   usable from this address or network alone (10.0.0.0/8); may be repeated
  --all            revoke: all of them
  --config FILE    the configuration
Exit status: 0 done, 1 no such login or app password, 64 a wrong command line, 78 the configuration is wrong.
`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [action, login, ...ids] = positionals;
    if (action !== 'create' && action !== 'list' && action !== 'revoke') {
      throw new UsageError('say what to do: create, list or revoke');
    }
    if (login === undefined) throw new UsageError('say whose app passwords: a login');
    checkOptions(action, values, ids);
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    const { config } = loaded;
    if (!config.authentication.app_passwords) {
      io.stderr('Note: no app password is taken until the configuration has authentication.app_passwords: {}\n');
    }
    try {
      const [account] = (await chosenAccounts([login], config)) ?? [];
      if (account === undefined) throw new NoAccount('no such login');
      const folder = new AppPasswordFolder(dataPlaces(config.server.data).appPasswords);
      if (action === 'create') return await create(folder, account, values, io);
      if (action === 'list') return await list(folder, account, values.json ?? false, io);
      return await revoke(folder, account, ids, config, io);
    } catch (error) {
      if (!(error instanceof NoAccount || error instanceof AuthError || error instanceof RangeError)) throw error;
      io.stderr(`postern: ${error.message}\n`);
      return EXIT.failure;
    }
  },
};

const OPTIONS_OF = {
  create: ['name', 'expires', 'only', 'from', 'json'],
  list: ['json'],
  revoke: ['all'],
} as const;

function checkOptions(action: keyof typeof OPTIONS_OF, values: Values, ids: readonly string[]): void {
  const known: readonly string[] = ['config', ...OPTIONS_OF[action]];
  const odd = Object.keys(values).find(option => !known.includes(option));
  if (odd !== undefined) throw new UsageError(`${action} takes no --${odd}`);
  if (action !== 'revoke') {
    if (ids.length > 0) throw new UsageError(`${action} takes one login`);
  } else if (ids.length > 0 === (values.all ?? false)) {
    throw new UsageError('say which to revoke: ids as list has them, or --all');
  }
}

async function create(folder: AppPasswordFolder, account: AccountId, values: Values, io: CliIo): Promise<number> {
  const { name = 'unnamed', only = [], from = [] } = values;
  if (name.trim() === '' || name.length > MOST_NAME || /\p{Cc}/u.test(name)) {
    throw new UsageError(`a name is a line of up to ${MOST_NAME} characters`);
  }
  const unknown = only.find(protocol => !PROTOCOLS.includes(protocol));
  if (unknown !== undefined) throw new UsageError(`--only knows imap, not "${unknown}"`);
  const odd = from.find(network => !networkMatcher(network));
  if (odd !== undefined)
    throw new UsageError(`"${odd}" is not an address or network; write 10.0.0.0/8 or 2001:db8::/32`);
  const expires = values.expires === undefined ? undefined : parseExpiry(values.expires, Date.now());
  const { secret, record } = await folder.create(account, { name, only, from, expires });
  if (values.json) {
    const { id, expires: until } = record;
    io.stdout(`${JSON.stringify({ account, id, name, password: secret, expires: until, only, from })}\n`);
  } else {
    io.stdout(`${secret}\n`);
    // Beside the password, so that a script gets that alone.
    io.stderr(`App password ${record.id} (${name}) of account ${account}; it is not shown again.\n`);
  }
  return EXIT.ok;
}

/** @throws UsageError for what is no time, or past */
function parseExpiry(text: string, now: number): Date {
  const span = parseDuration(text);
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T23:59:59Z`) : Number.NaN;
  const at = span === undefined ? day : now + span;
  // Date.parse takes the 31st of any month.
  if (Number.isNaN(at) || (span === undefined && !new Date(at).toISOString().startsWith(text))) {
    throw new UsageError(`"${text}" is no time; write 90d, 12h or 2027-06-30`);
  }
  if (at <= now) throw new UsageError(`${text} is past`);
  return new Date(at);
}

async function list(folder: AppPasswordFolder, account: AccountId, json: boolean, io: CliIo): Promise<number> {
  const found = await folder.list(account);
  if (json) {
    for (const { hash: _hash, scram: _scram, ...rest } of found) io.stdout(`${JSON.stringify(rest)}\n`);
    return EXIT.ok;
  }
  const titles = ['ID', 'NAME', 'CREATED', 'EXPIRES', 'ONLY', 'FROM', 'LAST USED'].map(title => ({ title }));
  io.stdout(found.length === 0 ? 'No app passwords.\n' : renderTable(titles, found.map(rowOf)));
  return EXIT.ok;
}

function rowOf({ id, name, created, expires, only, from, lastUse }: ListedAppPassword): string[] {
  const over = expires !== undefined && Date.parse(expires) <= Date.now();
  return [
    id,
    name,
    minute(created),
    expires === undefined ? 'never' : `${minute(expires)}${over ? ' (over)' : ''}`,
    only.join(', ') || 'all',
    from.join(', ') || 'anywhere',
    lastUse ? `${minute(lastUse.at)} from ${lastUse.address}` : 'never',
  ];
}

function minute(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}

async function revoke(
  folder: AppPasswordFolder,
  account: AccountId,
  named: readonly string[],
  { admin }: Config,
  io: CliIo,
): Promise<number> {
  const ids = named.length > 0 ? named : (await folder.list(account)).map(({ id }) => id);
  let missing = false;
  for (const id of ids) {
    if (await folder.revoke(account, id)) {
      const ended = await endSessions(account, id, admin.socket, io);
      io.stdout(`${id} revoked${ended > 0 ? `; sessions ended: ${ended}` : ''}\n`);
    } else {
      missing = true;
      io.stderr(`postern: there is no app password ${id} of account ${account}\n`);
    }
  }
  return missing ? EXIT.failure : EXIT.ok;
}

/** Those of a server that runs; where none does, there are none. */
async function endSessions(account: AccountId, id: string, socket: string, io: CliIo): Promise<number> {
  try {
    const request = { command: 'kick', login: account, appPassword: id, reason: 'This app password was revoked.' };
    return checked(kickResult, await callAdmin(socket, request)).kicked;
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    io.stderr(`No sessions were ended: ${error.message}\n`);
    return 0;
  }
}
