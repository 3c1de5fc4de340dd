import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { IdentityStore } from '../auth/identity-store.ts';
import { KnownLogins } from '../auth/known-logins.ts';
import { normaliseLogin } from '../auth/login-name.ts';
import { OutageProofs } from '../auth/outage-proofs.ts';
import { ResultCache } from '../auth/result-cache.ts';
import type { Config } from '../config/schema.ts';
import { revokeResult } from '../observe/admin-reports.ts';
import { dataPlaces } from '../store/data-places.ts';
import { AdminError, callAdmin, checked, DEFAULT_CONFIG, NotRunning } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';

/** `postern revoke`: out, and not in again on old proof. */
export const revoke: CliCommand = {
  name: 'revoke',
  summary: 'end the sessions of a login, and bar it until a directory has proven it again',
  usage: `usage: postern revoke LOGIN [--config FILE]

Ends the sessions of LOGIN and of its user's other logins, and forgets everything by which they could log in without a directory being asked:
what was proven lately (authentication.cache.ttl) and, while no directory answers, before (outage). Once a directory has proven the login
again it is in again: disable or delete the account there first. Works without a running server, too.

  --config FILE   the configuration (default ${DEFAULT_CONFIG})
Exit status: 0 done, 1 the running server refused, 64 a wrong command line, 78 the configuration is wrong.
`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, { config: { type: 'string' } });
    const [login, ...more] = positionals;
    if (login === undefined || more.length > 0) throw new UsageError('say whose access: one login');
    const loaded = loadOrExplain(values.config === undefined ? undefined : resolve(io.cwd, values.config), io);
    if (typeof loaded === 'number') return loaded;
    const { config } = loaded;
    try {
      const done = checked(revokeResult, await callAdmin(config.admin.socket, { command: 'revoke', login }));
      io.stdout(`${done.login} revoked; sessions ended: ${done.sessions}\n`);
      return EXIT.ok;
    } catch (error) {
      if (error instanceof NotRunning) return revokeInFiles(login, config, io);
      if (!(error instanceof AdminError)) throw error;
      io.stderr(`postern: ${error.message}\n`);
      return EXIT.failure;
    }
  },
};

/** Nobody holds anything in memory: what is in the files is all. */
function revokeInFiles(text: string, { server, authentication }: Config, io: CliIo): number {
  const name = normaliseLogin(text, authentication.login);
  const login = 'refused' in name ? text : name.login;
  const folder = dataPlaces(server.data).identity;
  if (!existsSync(folder)) {
    // Not made here: it would belong to whoever runs the command.
    io.stdout(`${login} is not known; no server is running\n`);
    return EXIT.ok;
  }
  const store = IdentityStore.open(folder);
  try {
    const { cache } = authentication;
    const proofs = new OutageProofs({ store, config: cache, origin: directory => directory });
    new KnownLogins(new ResultCache(cache), new ResultCache(cache), proofs).revoke(login);
    io.stdout(`${login} revoked; no server is running\n`);
    return EXIT.ok;
  } finally {
    store.close();
  }
}
