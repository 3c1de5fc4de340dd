import { type StatusReport, statusReport } from '../observe/admin-reports.ts';
import { ADMIN_OPTIONS, ADMIN_USAGE, adminSocketOf, callAdmin, checked, reportingFailure } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, EXIT, UsageError } from './command.ts';
import { renderSize, renderSpan, renderTable } from './table.ts';

/** `postern status`: how the running server is doing, on a page. */
export const status: CliCommand = {
  name: 'status',
  summary: 'show how the running server is doing',
  usage: `usage: postern status [--json]

Shows listeners, sessions, directories and upstreams with their servers, certificates and memory.

  --json          the same as JSON
${ADMIN_USAGE}`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, json: { type: 'boolean' } });
    if (positionals.length > 0) throw new UsageError(`status takes no "${positionals.join(' ')}"`);
    const socket = adminSocketOf(values, io);
    return reportingFailure(io, async () => {
      const answer = await callAdmin(socket, { command: 'status' });
      io.stdout(
        values.json === true
          ? `${JSON.stringify(answer, undefined, 2)}\n`
          : renderStatus(checked(statusReport, answer)),
      );
      return EXIT.ok;
    });
  },
};

export function renderStatus(report: StatusReport): string {
  const { handshake = 0, login = 0, relay = 0, serve = 0, closing = 0 } = report.sessions;
  const total = handshake + login + relay + serve + closing;
  const { resident, heap, external } = report.memory;
  const groups = [
    ...report.directories.map(group => ({ ...group, kind: 'directory' })),
    ...report.upstreams.map(group => ({ ...group, kind: 'upstream' })),
  ];
  const sections = [
    [
      `Postern ${report.version}, process ${report.pid}, up ${renderSpan(report.uptime)}${report.draining ? ', DRAINING' : ''}`,
      `configuration  ${report.config}`,
      `sessions       ${total}: ${relay} relayed, ${serve} served, ${login} logging in, ${handshake} in handshake, ${closing} closing`,
      ...storeLines(report.store),
      `memory         ${renderSize(resident)} (heap ${renderSize(heap)}, buffers ${renderSize(external)})`,
      '',
    ].join('\n'),
    renderTable(
      [{ title: 'LISTENER' }, { title: 'ADDRESS' }, { title: 'TLS' }, { title: 'CONNECTIONS', right: true }],
      report.listeners.map(({ name, address, tls, connections }) => [name, address, tls, String(connections)]),
    ),
    renderTable(
      [{ title: 'KIND' }, { title: 'NAME' }, { title: 'SERVER' }, { title: 'STATE' }],
      groups.flatMap(({ kind, name, servers }) =>
        servers.length === 0
          ? [[kind, name, '-', 'no servers']]
          : servers.map(({ server, state, reason }) => [kind, name, server, stateText(state, reason)]),
      ),
    ),
  ];
  if (report.certificates.length > 0) {
    sections.push(
      renderTable(
        [{ title: 'CERTIFICATE' }, { title: 'NAMES' }, { title: 'EXPIRES' }, { title: 'DAYS LEFT', right: true }],
        report.certificates.map(({ file, names, notAfter, daysLeft }) => [
          file,
          names.join(', '),
          notAfter.slice(0, 10),
          daysLeft < 0 ? 'EXPIRED' : String(daysLeft),
        ]),
      ),
    );
  }
  return sections.join('\n');
}

function storeLines(store: StatusReport['store']): readonly string[] {
  if (!store) return [];
  const room = store.free === undefined ? '' : `, ${renderSize(store.free)} free`;
  const state = store.fault === undefined ? '' : `, CANNOT BE WRITTEN: ${store.fault}`;
  return [
    `mail           ${store.data}: ${store.accounts} accounts open, used by ${store.stores} sessions${room}${state}`,
  ];
}

function stateText(state: string, reason: string | undefined): string {
  if (state === 'unknown') return 'not asked yet';
  return reason === undefined ? state : `${state}: ${reason}`;
}
