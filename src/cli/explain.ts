import { Authenticator } from '../auth/authenticator.ts';
import { DecisionRecord } from '../auth/decision-record.ts';
import type { KnownUser } from '../auth/login-request.ts';
import type { Config } from '../config/schema.ts';
import { statusOf } from '../imap/status.ts';
import { MailError } from '../mail/mail-error.ts';
import { openLog } from '../observe/log.ts';
import { printable } from '../observe/printable.ts';
import { openDirectory } from '../server/composition.ts';
import { ListenerRouter } from '../server/listener-router.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { chosenListener } from './listener-option.ts';
import { renderTable } from './table.ts';

const usage = `usage: postern explain LOGIN [--config FILE] [--listener NAME] [--json]

Tells what would happen if LOGIN logged in with the right password: the name after normalisation, the directory entry, the policy,
and each route with the reason why it does or does not match. Asks the directories; needs no running server and no password.
Exit status: 0 would be let in, 1 would not, 78 the configuration is wrong.
`;

export const explain: CliCommand = {
  name: 'explain',
  summary: 'tell who a login is, where it would go, and why',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      config: { type: 'string' },
      listener: { type: 'string' },
      json: { type: 'boolean' },
    });
    const [login, ...more] = positionals;
    if (login === undefined || more.length > 0) throw new UsageError('say one login');
    const loaded = loadOrExplain(values.config, io);
    if (typeof loaded === 'number') return loaded;
    const { config } = loaded;
    const listener = chosenListener(values.listener, config);
    const explanation = await decide(login, listener, config);
    if (values.json) io.stdout(`${JSON.stringify(explanation)}\n`);
    else render(explanation, io);
    return explanation.allowed ? EXIT.ok : EXIT.failure;
  },
};

interface Explanation {
  readonly given: string;
  readonly allowed: boolean;
  readonly steps: DecisionRecord['steps'];
  readonly user?: Omit<KnownUser, 'attributes'> & { readonly attributes: Readonly<Record<string, readonly string[]>> };
  /** What it comes to. */
  readonly outcome: string;
  /** What the client would be told, when it is refused. */
  readonly answer?: string;
}

async function decide(given: string, listener: string, config: Config): Promise<Explanation> {
  const { log, close } = openLog({ level: 'error', audit: {} }, { stdout: 2 });
  const directories = new Map(
    Object.entries(config.directories).map(([name, part]) => [name, openDirectory(name, part, log)]),
  );
  const authenticator = new Authenticator({ directories, config: config.authentication, log });
  const record = new DecisionRecord();
  let user: KnownUser | undefined;
  const about = () => ({
    given,
    steps: record.steps,
    ...(user ? { user: { ...user, attributes: Object.fromEntries(user.attributes) } } : {}),
  });
  try {
    user = await authenticator.lookup(given, record, AbortSignal.timeout(60_000));
    const route = new ListenerRouter(config).route(user, { listener }, record);
    if (route.mode === 'relay') return { ...about(), allowed: true, outcome: `relayed to upstream ${route.upstream}` };
    if (route.mode === 'serve') {
      const stores = route.mounts.map(({ store }) => store).join(', ');
      return { ...about(), allowed: true, outcome: `served from store ${stores}` };
    }
    const answer = statusOf(new MailError('contact-admin', '', { answer: route.text }));
    return {
      ...about(),
      allowed: false,
      outcome: `refused by routes[${route.rule}]`,
      answer: `NO [${answer.code}] ${answer.text}`,
    };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    const answer = statusOf(error);
    return { ...about(), allowed: false, outcome: error.message, answer: `NO [${answer.code}] ${answer.text}` };
  } finally {
    authenticator.close();
    await Promise.allSettled([...directories.values()].map(directory => directory.close()));
    close();
  }
}

const MARKS = { ok: '+', skip: '.', fail: '!' } as const;

function render({ given, steps, user, outcome, answer, allowed }: Explanation, io: CliIo): void {
  io.stdout(`${printable(given)}\n\n`);
  io.stdout(
    renderTable(
      [{ title: '' }, { title: 'STEP' }, { title: 'REASON' }],
      steps.map(({ stage, outcome: result, detail }) => [MARKS[result], stage, detail]),
    ),
  );
  if (user) {
    const { name, account, directory, entry, mail, host, groups } = user;
    const facts = [
      ['name', name],
      ['account', account],
      ['entry', `${entry} (directory ${directory})`],
      ['mail', mail ?? '-'],
      ['host', host ?? '-'],
      ...(groups.length > 0 ? groups : ['-']).map((group, index) => [index === 0 ? 'groups' : '', group]),
    ];
    io.stdout(`\n${renderTable([{ title: 'ENTRY' }, { title: '' }], facts)}`);
  }
  io.stdout(`\n${allowed ? 'Let in' : 'Not let in'}: ${printable(outcome)}\n`);
  if (answer !== undefined) io.stdout(`The client is told: ${answer}\n`);
}
