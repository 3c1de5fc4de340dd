import { AppPasswordFolder } from '../auth/app-passwords/folder.ts';
import { Authenticator } from '../auth/authenticator.ts';
import type { Config } from '../config/schema.ts';
import { openLog } from '../observe/log.ts';
import { openDirectory } from '../server/composition.ts';
import { dataPlaces } from '../store/data-places.ts';
import { parseArguments, required } from './arguments.ts';
import { type LoginLine, LogUnreadable, loginLines, type Skipped } from './audit-file.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { type Fate, type Judgement, Replay } from './replay-decision.ts';
import { renderTable } from './table.ts';

const usage = `usage: postern replay LOG ... --config NEW [--json]

Judges every login that succeeded according to audit logs by a new configuration, without passwords: who would not get in any more,
and who would get to another mail server, name or mailbox. Asks the directories of the new configuration; needs no running server.
Logins that are alike (same login and listener) are judged once, by the latest of them. LOG may end in .gz; - is standard input.

--json   one JSON object per login and line, also of those for whom nothing changes
Exit status: 0 nothing changes; 1 somebody would lose access; 2 nobody would, but some would get elsewhere; 3 nobody would, as far as can
be told: a directory does not answer; or a log cannot be read; 78 the configuration is wrong.
`;

/** Questions to directories at the same time. */
const AT_ONCE = 8;
const EACH_MS = 60_000;

const UNDECIDED = 3;
const ELSEWHERE = 2;

/** `postern replay`: yesterday's logins under tomorrow's configuration. */
export const replay: CliCommand = {
  name: 'replay',
  summary: 'tell who would lose access or change route under a new configuration',
  usage,
  async run(args, io) {
    const { values, positionals: files } = parseArguments(args, {
      config: { type: 'string' },
      json: { type: 'boolean' },
    });
    const file = required(values.config, '--config');
    if (files.length === 0) throw new UsageError('name at least one audit log');
    const loaded = loadOrExplain(file, io);
    if (typeof loaded === 'number') return loaded;
    const skipped: Skipped = { lines: 0 };
    let recorded: readonly LoginLine[];
    try {
      recorded = await distinctLogins(loginLines(files, io, skipped));
    } catch (error) {
      if (!(error instanceof LogUnreadable)) throw error;
      io.stderr(`postern: ${error.message}\n`);
      return UNDECIDED;
    }
    if (skipped.lines > 0) io.stderr(`Lines that could not be read: ${skipped.lines}\n`);
    const judgements = await judgeAll(recorded, loaded.config);
    if (values.json) for (const judgement of judgements) io.stdout(`${JSON.stringify(judgement)}\n`);
    else render(judgements, io);
    const fates = new Set(judgements.map(({ fate }) => fate));
    if (fates.has('lost')) return EXIT.failure;
    if (fates.has('undecided')) return UNDECIDED;
    return fates.has('moved') ? ELSEWHERE : EXIT.ok;
  },
};

/** The latest of those that are alike. Names in any case are one unless the log has them decided otherwise. */
async function distinctLogins(lines: AsyncIterable<LoginLine>): Promise<readonly LoginLine[]> {
  const latest = new Map<string, LoginLine>();
  for await (const line of lines) {
    if (line.outcome !== 'ok') continue;
    const key = `${line.login ?? line.given}\0${line.listener}`;
    const before = latest.get(key);
    if (!before || before.time <= line.time) latest.set(key, line);
  }
  return [...latest.values()];
}

async function judgeAll(lines: readonly LoginLine[], config: Config): Promise<readonly Judgement[]> {
  const { log, close } = openLog({ level: 'error', audit: {} }, { stdout: 2 });
  const directories = new Map(
    Object.entries(config.directories).map(([name, part]) => [name, openDirectory(name, part, log)]),
  );
  const appPasswords = new AppPasswordFolder(dataPlaces(config.server.data).appPasswords);
  const authenticator = new Authenticator({ directories, config: config.authentication, log, appPasswords });
  const judge = new Replay(config, authenticator);
  const judgements: Judgement[] = [];
  const waiting = lines.values();
  const work = async () => {
    for (const line of waiting) judgements.push(await judge.judge(line, AbortSignal.timeout(EACH_MS)));
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    authenticator.close();
    await Promise.allSettled([...directories.values()].map(directory => directory.close()));
    close();
  }
  const order = Object.keys(WORDS);
  return judgements.sort(
    (one, other) => order.indexOf(one.fate) - order.indexOf(other.fate) || one.login.localeCompare(other.login),
  );
}

const WORDS: Readonly<Record<Fate, string>> = {
  lost: 'would lose access',
  undecided: 'could not be decided',
  moved: 'would get elsewhere',
  same: 'unchanged',
};

function render(judgements: readonly Judgement[], io: CliIo): void {
  const changed = judgements.filter(({ fate }) => fate !== 'same');
  const titles = ['', 'LOGIN', 'LISTENER', 'WAS', 'WOULD BE', 'REASON'].map(title => ({ title }));
  const rows = changed.map(({ fate, login, listener, was, becomes, reason }) => [
    fate,
    login,
    listener,
    was,
    becomes,
    reason,
  ]);
  if (changed.length > 0) io.stdout(`${renderTable(titles, rows)}\n`);
  const counts = Map.groupBy(judgements, ({ fate }) => fate);
  io.stdout(`${judgements.length} logins`);
  for (const [fate, words] of Object.entries(WORDS)) {
    const count = counts.get(isFate(fate) ? fate : 'same')?.length ?? 0;
    if (count > 0) io.stdout(`, ${count} ${words}`);
  }
  io.stdout('\n');
}

function isFate(text: string): text is Fate {
  return text in WORDS;
}
