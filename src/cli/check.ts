import { accountId } from '../auth/account-id.ts';
import { NO_RECORD } from '../auth/decision-record.ts';
import { AuthError } from '../auth/directory.ts';
import { normaliseLogin } from '../auth/login-name.ts';
import type { Principal } from '../auth/principal.ts';
import type { Config } from '../config/schema.ts';
import { MailError } from '../mail/mail-error.ts';
import { openLog } from '../observe/log.ts';
import type { Route } from '../route/route.ts';
import { openDirectory } from '../server/composition.ts';
import { ListenerRouter } from '../server/listener-router.ts';
import { DEFAULT_CONFIG } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { chosenListener } from './listener-option.ts';
import { renderTable } from './table.ts';

const usage = `usage: postern check [--config FILE] [--users] [--listener NAME] [--json]

Reads the configuration and every file it names, and tells everything that is wrong at once: file, line, and what would be right.
--users      also asks the directories for all their users, and counts how many each route takes
--listener   with --users: the listener they would come by (default: the first)
Exit status: 0 in order, 78 the configuration is wrong, 1 a directory does not answer.
`;

export const check: CliCommand = {
  name: 'check',
  summary: 'check the configuration, and which users its routes take',
  usage,
  async run(args, io) {
    const { values } = parseArguments(args, {
      config: { type: 'string' },
      users: { type: 'boolean' },
      listener: { type: 'string' },
      json: { type: 'boolean' },
    });
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    const listener = chosenListener(values.listener, loaded.config);
    if (!values.json) io.stdout(`${values.config ?? DEFAULT_CONFIG}: the configuration is in order.\n`);
    if (!values.users) return EXIT.ok;
    return await checkUsers(loaded.config, listener, values.json ?? false, io);
  },
};

interface Count {
  directory: string;
  route: string;
  to: string;
  users: number;
  example: string;
}

async function checkUsers(config: Config, listener: string, json: boolean, io: CliIo): Promise<number> {
  const { log, close } = openLog({ level: 'error', audit: {} }, { stdout: 2 });
  const router = new ListenerRouter(config);
  const counts = new Map<string, Count>();
  let failed = false;
  for (const name of config.authentication.directories) {
    const part = config.directories[name];
    if (!part) continue;
    const directory = openDirectory(name, part, log);
    try {
      for await (const user of directory.list(AbortSignal.timeout(600_000))) {
        const login = normaliseLogin(user.name, config.authentication.login);
        const who: Principal = {
          ...user,
          account: accountId(user.directory, user.id),
          login: 'refused' in login ? user.name : login.login,
          mechanism: '',
          proof: 'directory',
        };
        const { route, to } = decide(router, who, listener);
        const key = `${name}\0${route}\0${to}`;
        const count = counts.get(key) ?? { directory: name, route, to, users: 0, example: user.name };
        count.users += 1;
        counts.set(key, count);
      }
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      failed = true;
      io.stderr(`directory ${name}: ${error.message}\n`);
    } finally {
      await directory.close();
    }
  }
  close();
  const rows = [...counts.values()].sort((a, b) => a.route.localeCompare(b.route, 'en', { numeric: true }));
  if (json) io.stdout(`${JSON.stringify(rows)}\n`);
  else
    io.stdout(
      renderTable(
        [
          { title: 'DIRECTORY' },
          { title: 'ROUTE' },
          { title: 'GOES TO' },
          { title: 'USERS', right: true },
          { title: 'FOR EXAMPLE' },
        ],
        rows.map(({ directory, route, to, users, example }) => [directory, route, to, String(users), example]),
      ),
    );
  return failed ? EXIT.failure : EXIT.ok;
}

function destination(route: Route): string {
  if (route.mode === 'relay') return `relay ${route.upstream}`;
  return route.mode === 'serve' ? `store ${route.mounts.map(({ store }) => store).join(', ')}` : 'refused';
}

function decide(router: ListenerRouter, user: Principal, listener: string): { route: string; to: string } {
  try {
    const route = router.route(user, { listener }, NO_RECORD);
    return { route: `routes[${route.rule}]`, to: destination(route) };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return { route: 'none', to: error.message };
  }
}
