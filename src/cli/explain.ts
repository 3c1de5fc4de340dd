import { isIP } from 'node:net';
import type { Config } from '../config/schema.ts';
import { type LoginStateReport, loginStateReport } from '../observe/admin-reports.ts';
import { printable } from '../observe/printable.ts';
import { AdminError, callAdmin, checked } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { decide, type Ending, type Explanation } from './explain-decision.ts';
import { chosenListener } from './listener-option.ts';
import { isTerminal, readHiddenLine, readPipedLine } from './password-input.ts';
import { renderSpan, renderTable } from './table.ts';

const usage = `usage: postern explain LOGIN [--config FILE] [--password-stdin] [--from ADDRESS] [--listener NAME] [--json]

Tells what would happen if LOGIN logged in: the name after normalisation, how each directory is asked and which server answers, the
entry with its groups, the policy, each route with the reason why it does or does not match, where it leads and as whom. Asks the
directories itself; of a server that runs with this configuration it asks what that remembers of the login.

--password-stdin  also proves the password that comes on standard input (a wrong one counts at the directory as any other);
                  without, what would happen with the right one
--from ADDRESS    the client's address: how long it would be held there, and whether an app password may be used from there
--listener NAME   the listener it would come in by, by name or address (default: the first)
Exit status: 0 would be let in; 1 refused: unknown, disabled, wrong password, not allowed; 2 known and without a mailbox: refused by a route,
or none leads anywhere; 3 undecided: a directory does not answer, or not in a way that could be used; 78 the configuration is wrong.
`;

const STATUS: Readonly<Record<Ending, number>> = { 'let-in': 0, refused: 1, 'no-mailbox': 2, undecided: 3 };

/** What the running server remembers, or why it cannot be asked. */
type Running = { readonly state: LoginStateReport } | { readonly absent: string };

export const explain: CliCommand = {
  name: 'explain',
  summary: 'tell who a login is, where it would go, and why',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      config: { type: 'string' },
      listener: { type: 'string' },
      from: { type: 'string' },
      'password-stdin': { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const [given, ...more] = positionals;
    if (given === undefined || more.length > 0) throw new UsageError('say one login');
    const address = values.from;
    if (address !== undefined && isIP(address) === 0) throw new UsageError(`"${address}" is not an address`);
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    const { config } = loaded;
    const listener = chosenListener(values.listener, config);
    const password = values['password-stdin'] ? await readPassword(io) : undefined;
    const explanation = await decide({ given, password, address, listener }, config);
    const running = await askRunning(given, address, config);
    if (values.json) io.stdout(`${JSON.stringify({ ...explanation, running })}\n`);
    else render(explanation, running, io);
    return STATUS[explanation.ending];
  },
};

async function readPassword({ stdin, stderr }: CliIo): Promise<string> {
  if (!isTerminal(stdin)) return readPipedLine(stdin);
  stderr('Password: ');
  const password = await readHiddenLine(stdin);
  stderr('\n');
  return password;
}

async function askRunning(login: string, address: string | undefined, { admin }: Config): Promise<Running> {
  try {
    const request = { command: 'login-state', login, ...(address === undefined ? {} : { address }) };
    return { state: checked(loginStateReport, await callAdmin(admin.socket, request)) };
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    return { absent: error.message };
  }
}

const MARKS = { ok: '+', skip: '.', fail: '!' } as const;

function render(explanation: Explanation, running: Running, io: CliIo): void {
  const { given, steps, asked, outcome, answer, allowed } = explanation;
  io.stdout(`${printable(given)}\n\n`);
  const titles = [{ title: '' }, { title: 'STEP' }, { title: 'REASON' }];
  const rows = steps.map(({ stage, outcome: result, detail }) => [MARKS[result], stage, detail]);
  io.stdout(renderTable(titles, rows));
  const questions = asked.flatMap(({ directory, question, servers }) => [
    [directory, question],
    ...servers
      .filter(({ state }) => state !== 'unknown')
      .map(({ server, state, reason }) => ['', `${server} ${state}${reason === undefined ? '' : `: ${reason}`}`]),
  ]);
  if (questions.length > 0) io.stdout(`\n${renderTable([{ title: 'DIRECTORY' }, { title: 'ASKED' }], questions)}`);
  const facts = [...userFacts(explanation), ...destinationFacts(explanation)];
  if (facts.length > 0) io.stdout(`\n${renderTable([{ title: 'ENTRY' }, { title: '' }], facts)}`);
  io.stdout(`\n${renderTable([{ title: 'RUNNING SERVER' }, { title: '' }], runningFacts(running))}`);
  io.stdout(`\n${allowed ? 'Let in' : 'Not let in'}: ${printable(outcome)}\n`);
  if (answer !== undefined) io.stdout(`The client is told: ${answer}\n`);
}

function userFacts({ user, proof }: Explanation): string[][] {
  if (!user) return [];
  const { name, account, directory, entry, mail, host, groups, attributes, appPasswords } = user;
  return [
    ['name', name],
    ['account', account],
    ['entry', `${entry} (directory ${directory})`],
    ['mail', mail ?? '-'],
    ['host', host ?? '-'],
    ...(groups.length > 0 ? groups : ['-']).map((group, index) => [index === 0 ? 'groups' : '', group]),
    ...Object.entries(attributes).map(([key, all]) => [key, all.join(', ')]),
    ...(appPasswords > 0 ? [['app passwords', String(appPasswords)]] : []),
    ...(proof === undefined ? [] : [['proven by', proof]]),
  ];
}

function destinationFacts({ destination }: Explanation): string[][] {
  if (!destination) return [];
  if (destination.mode === 'relay') {
    return [
      ['upstream', `${destination.upstream}: ${destination.servers.join(', ')}`],
      ['logs in as', destination.login],
      ['capabilities', 'those that the upstream tells after the login'],
    ];
  }
  return [
    ['mailboxes', `${destination.folder}${destination.exists ? '' : ' (made at the first login)'}`],
    ['capabilities', destination.capabilities],
  ];
}

function runningFacts(running: Running): string[][] {
  if ('absent' in running) return [['not asked', running.absent]];
  const { proven, entry, throttle, sessions, sessionsMost } = running.state;
  const ago = (age: number) => `${renderSpan(age / 1000)} ago`;
  return [
    ['cache', proven ? `a password was proven ${ago(proven.age)}: ${proven.entry}` : 'no password proven lately'],
    ...(entry ? [['', `entry found for an app password ${ago(entry.age)}: ${entry.entry}`]] : []),
    [
      'throttle',
      throttle
        ? `an attempt waits ${throttle.hold} ms, a refusal takes ${throttle.delay} ms at least`
        : 'say --from ADDRESS to learn how long it would be held there',
    ],
    ['sessions', `${sessions} of ${sessionsMost}${sessions >= sessionsMost ? ': the next one is refused' : ''}`],
  ];
}
