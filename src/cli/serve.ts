import { writeSync } from 'node:fs';
import { notifySystemd, reloadingState } from '../observe/systemd.ts';
import { Server } from '../server/server.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT } from './command.ts';
import { loadOrExplain } from './config-file.ts';

const usage = `usage: postern serve [--config FILE]

Runs the server until SIGTERM or SIGINT, which drain it: no new clients, open sessions get a while to end, the rest are told BYE.
SIGHUP reloads the configuration, SIGUSR1 reopens the log files. Prints one line {"msg":"ready",...} once clients can connect.
Exit status: 0 after a drain, 78 when the configuration is wrong, 1 when something it names cannot be opened.
`;

export const serve: CliCommand = {
  name: 'serve',
  summary: 'run the server',
  usage,
  async run(args, io) {
    const { values } = parseArguments(args, { config: { type: 'string' } });
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    return await serveUntilStopped(loaded, io);
  },
};

async function serveUntilStopped(loaded: Parameters<typeof Server.start>[0], io: CliIo): Promise<number> {
  let stop: () => void = () => {};
  const stopped = new Promise<void>(resolve => {
    stop = resolve;
  });
  // Before anything is open: a signal during the start must not leave half a server.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const server = await start(loaded, io);
  if (!server) return EXIT.failure;
  // One session's fault must not end the sessions of everybody else.
  process.on('uncaughtException', error => server.reportBug(error));
  process.on('SIGHUP', () => void reload(server, io));
  process.on('SIGUSR1', () => server.reopenLogs());
  announce(server);
  await notifySystemd('READY=1', io.env);
  await stopped;
  await notifySystemd('STOPPING=1', io.env);
  await server.drain();
  return EXIT.ok;
}

async function start(loaded: Parameters<typeof Server.start>[0], io: CliIo): Promise<Server | undefined> {
  try {
    return await Server.start(loaded, io.env);
  } catch (error) {
    io.stderr(`postern: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

async function reload(server: Server, { env }: CliIo): Promise<void> {
  await notifySystemd(reloadingState(), env);
  await server.reload();
  await notifySystemd('READY=1', env);
}

/** Not through the log: whoever waits for this line gets it whatever the log's level and file. */
function announce(server: Server): void {
  const { listeners, adminHttp } = server;
  const line = { level: 'info', time: new Date().toISOString(), msg: 'ready', pid: process.pid, listeners, adminHttp };
  try {
    writeSync(1, `${JSON.stringify(line)}\n`);
  } catch {
    // Nobody reads stdout; the server serves all the same.
  }
}
