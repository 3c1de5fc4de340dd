import { parseDuration } from '../config/quantities.ts';
import { kickResult, type SessionView, sessionView } from '../observe/admin-reports.ts';
import { ADMIN_OPTIONS, ADMIN_USAGE, adminSocketOf, callAdmin, checked, reportingFailure } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { renderSize, renderSpan, renderTable } from './table.ts';

const OPTIONS = {
  ...ADMIN_OPTIONS,
  id: { type: 'string' },
  login: { type: 'string' },
  address: { type: 'string' },
  upstream: { type: 'string' },
  listener: { type: 'string' },
  phase: { type: 'string' },
  'older-than': { type: 'string' },
  reason: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const COLUMNS = [
  { title: 'ID' },
  { title: 'LOGIN' },
  { title: 'ADDRESS' },
  { title: 'LISTENER' },
  { title: 'TLS' },
  { title: 'PHASE' },
  { title: 'UPSTREAM' },
  { title: 'SERVER' },
  { title: 'AGE', right: true },
  { title: 'IN', right: true },
  { title: 'OUT', right: true },
  { title: 'CLIENT' },
];

/** `postern sessions`: who is connected, and ending it. */
export const sessions: CliCommand = {
  name: 'sessions',
  summary: 'list the connected sessions, or end some',
  usage: `usage: postern sessions [list] [FILTER ...] [--json]
       postern sessions kick FILTER ... [--reason TEXT]

Lists the sessions of the running server, or ends those that all the filters fit.

  --id ID             one session, as the log names it
  --login LOGIN       of one user: login (in any case) or account
  --address ADDRESS   from one address or network (10.0.0.0/8)
  --upstream NAME     relayed there
  --listener NAME     come in there
  --phase PHASE       handshake, login, relay, serve or closing
  --older-than TIME   lasting that long already (30m, 12h)
  --reason TEXT       what is told to the clients (kick)
  --json              one JSON object per session and line
${ADMIN_USAGE}`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [action = 'list', ...rest] = positionals;
    if ((action !== 'list' && action !== 'kick') || rest.length > 0) {
      throw new UsageError(`sessions knows list and kick, not "${[action, ...rest].join(' ')}"`);
    }
    const filter = filterOf(values);
    if (action === 'list' && values.reason !== undefined) throw new UsageError('--reason goes with kick');
    if (action === 'kick' && Object.keys(filter).length === 0)
      throw new UsageError('say which sessions: --id, --login, --address ...');
    const socket = adminSocketOf(values, io);
    return reportingFailure(io, () =>
      action === 'list' ? list(socket, filter, values.json === true, io) : kick(socket, filter, values.reason, io),
    );
  },
};

type Filter = Readonly<Record<string, string | number>>;

function filterOf(values: { [name: string]: string | boolean | undefined }): Filter {
  const filter: Record<string, string | number> = {};
  for (const name of ['id', 'login', 'address', 'upstream', 'listener', 'phase']) {
    const value = values[name];
    if (typeof value === 'string') filter[name] = value;
  }
  const age = values['older-than'];
  if (typeof age === 'string') {
    const parsed = parseDuration(age);
    if (parsed === undefined) throw new UsageError(`--older-than: "${age}" is not a duration; write 30m or 12h`);
    filter.olderThan = parsed;
  }
  return filter;
}

async function list(socket: string, filter: Filter, json: boolean, io: CliIo): Promise<number> {
  const found: SessionView[] = [];
  await callAdmin(socket, { ...filter, command: 'sessions' }, row => {
    if (json) io.stdout(`${JSON.stringify(row)}\n`);
    else found.push(checked(sessionView, row));
  });
  if (json) return EXIT.ok;
  if (found.length > 0) io.stdout(renderTable(COLUMNS, found.map(rowOf)));
  io.stdout(`${counted(found.length)}\n`);
  return EXIT.ok;
}

async function kick(socket: string, filter: Filter, reason: string | undefined, io: CliIo): Promise<number> {
  const request = { ...filter, ...(reason === undefined ? {} : { reason }), command: 'kick' };
  const { kicked } = checked(kickResult, await callAdmin(socket, request));
  io.stdout(`${counted(kicked)} ended\n`);
  return kicked > 0 ? EXIT.ok : EXIT.failure;
}

function rowOf(view: SessionView): string[] {
  const { id, login, address, port, listener, secure, phase, upstream, server, seconds, bytesIn, bytesOut, clientId } =
    view;
  return [
    id,
    login ?? '-',
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    listener,
    secure ?? 'none',
    phase,
    upstream ?? '-',
    server ?? '-',
    renderSpan(seconds),
    renderSize(bytesIn),
    renderSize(bytesOut),
    clientId ?? '-',
  ];
}

function counted(sessions: number): string {
  return sessions === 1 ? '1 session' : `${sessions} sessions`;
}
