import type { z } from 'zod';
import { parseDuration } from '../config/quantities.ts';
import { traceResult, traceState } from '../observe/admin-reports.ts';
import { ADMIN_OPTIONS, ADMIN_USAGE, adminSocketOf, callAdmin, checked, reportingFailure } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, EXIT, UsageError } from './command.ts';
import { renderTable } from './table.ts';

const OPTIONS = {
  ...ADMIN_OPTIONS,
  address: { type: 'string' },
  for: { type: 'string' },
  off: { type: 'boolean' },
  list: { type: 'boolean' },
} as const;

/** `postern trace`: what chosen sessions say, into files. */
export const trace: CliCommand = {
  name: 'trace',
  summary: 'write down what the sessions of a user or address say',
  usage: `usage: postern trace LOGIN [--for TIME]
       postern trace --address ADDRESS [--for TIME]
       postern trace [LOGIN | --address ADDRESS] --off
       postern trace --list

Writes the protocol of sessions that begin from now on, each to a file of its own in the data
directory, with passwords and literals (mail) hidden. By login a trace begins after the login, by
address (or network) at the greeting.

  --for TIME      how long (default 10m, at most 24h)
  --off           switch off this one, or all
  --list          show what is on
${ADMIN_USAGE}`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, OPTIONS);
    const [login, ...rest] = positionals;
    if (rest.length > 0) throw new UsageError('one login at a time');
    const action = values.list ? 'list' : values.off ? 'off' : 'on';
    const named = [login, values.address].filter(name => name !== undefined).length;
    if (named > 1) throw new UsageError('either a login or --address');
    if (action === 'on' && named === 0) throw new UsageError('say whom to trace: a login, or --address');
    if (action === 'list' && (named > 0 || values.off)) throw new UsageError('--list goes alone');
    if (action !== 'on' && values.for !== undefined) throw new UsageError('--for is for switching on');
    const duration = values.for === undefined ? undefined : parseDuration(values.for);
    if (values.for !== undefined && !duration)
      throw new UsageError(`--for: "${values.for}" is not a duration; write 10m or 2h`);

    const socket = adminSocketOf(values, io);
    return reportingFailure(io, async () => {
      const states: z.output<typeof traceState>[] = [];
      const request = { command: 'trace', action, login, address: values.address, for: duration };
      const result = await callAdmin(socket, request, row => states.push(checked(traceState, row)));
      const { directory, removed } = checked(traceResult, result);
      if (removed !== undefined) io.stdout(`${removed} switched off\n`);
      io.stdout(states.length === 0 ? 'No trace is on.\n' : renderStates(states));
      if (states.length > 0) io.stdout(`Files are in ${directory}\n`);
      return action === 'off' && removed === 0 && named > 0 ? EXIT.failure : EXIT.ok;
    });
  },
};

function renderStates(states: readonly z.output<typeof traceState>[]): string {
  return renderTable(
    [
      { title: 'BY' },
      { title: 'TRACED' },
      { title: 'UNTIL' },
      { title: 'SESSIONS', right: true },
      { title: 'OPEN', right: true },
    ],
    states.map(({ by, value, until, sessions, open }) => [by, value, until, String(sessions), String(open)]),
  );
}
