import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Dovecot } from '../support/dovecot.ts';
import { missingPeers } from '../support/peer-table.ts';
import { processTree, signalProcess } from '../support/processes.ts';
import { selfSigned } from '../support/self-signed.ts';
import { type BenchDirectory, startDirectory, userName } from './directory.ts';
import { FRONTS, type Front, type FrontKind, type Ground, storeLdapConfig } from './fronts.ts';
import type { Measured } from './meter.ts';
import { save } from './results.ts';
import {
  type Amounts,
  type Figure,
  FULL,
  idle,
  login,
  MESSAGE_BYTES,
  noop,
  QUICK,
  ROWS,
  type Row,
  relay,
  USERS_WITH_MAIL,
} from './scenarios.ts';
import { type FrontResult, renderTable } from './table.ts';

const USAGE = `usage: npm run bench -- [store] [--quick] [--dist] [--only login,noop,relay,idle] [--servers postern,dovecot,nginx,haproxy]
  store     the embedded store beside Dovecot's, instead of the front doors; --only its rows
  --quick   fewer operations, one round: to see that it runs, not to quote
  --dist    Postern as built (npm run build first) instead of its source
`;

const SCENARIOS = ['login', 'noop', 'relay', 'idle'] as const;
type Scenario = (typeof SCENARIOS)[number];

interface Plan {
  readonly quick: boolean;
  readonly dist: boolean;
  readonly scenarios: readonly Scenario[];
  readonly kinds: readonly FrontKind[];
}

/** Shared by all fronts of a run. */
interface Lab {
  readonly folder: string;
  readonly ground: Ground;
  readonly directory: BenchDirectory;
  readonly store: Dovecot;
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      dist: { type: 'boolean', default: false },
      only: { type: 'string', default: SCENARIOS.join() },
      servers: { type: 'string', default: FRONTS.map(({ name }) => name).join() },
    },
  });
  const only = values.only.split(',');
  const servers = values.servers.split(',');
  const scenarios = SCENARIOS.filter(name => only.includes(name));
  const kinds = FRONTS.filter(({ name }) => servers.includes(name));
  if (scenarios.length !== only.length || kinds.length !== servers.length)
    throw new Error('no such scenario or server');
  return { quick: values.quick, dist: values.dist, scenarios, kinds };
}

async function openLab(users: number, dist: boolean, cleanup: AsyncDisposableStack): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const certificate = selfSigned(folder);
  const directory = await startDirectory(folder, users);
  cleanup.defer(() => directory.stop());
  const ldap = join(folder, 'store-ldap.conf');
  writeFileSync(ldap, storeLdapConfig(directory.port));
  chmodSync(ldap, 0o644);
  // Mail processes are used again: a fork and exec per login would hide what the front doors cost.
  const store = await Dovecot.start({
    users: {},
    certificate,
    compress: false,
    extra: `passdb {\n  driver = ldap\n  args = ${ldap}\n}\nservice imap {\n  service_count = 200\n  process_limit = 4096\n}\n`,
  });
  cleanup.defer(() => store.remove());
  deliverMail(store);
  const { plain: storePlainPort, tls: storeTlsPort } = store.ports;
  const ground = { folder, certificate, ldapPort: directory.port, storePlainPort, storeTlsPort, dist };
  return { folder, ground, directory, store };
}

function deliverMail(store: Dovecot): void {
  const head = 'From: bench@example.org\r\nSubject: one megabyte\r\n\r\n';
  const line = `${'0123456789'.repeat(7)}\r\n`;
  const body = line.repeat(Math.ceil(MESSAGE_BYTES / line.length)).slice(0, MESSAGE_BYTES - head.length - 2);
  // A cut in the middle of a CRLF would be mended on the way, and the size would be another.
  const message = `${head}${body.replace(/\r$/, 'x')}\r\n`;
  for (let user = 0; user < USERS_WITH_MAIL; user += 1) {
    for (let count = 0; count < 10; count += 1) store.deliver(userName(user), message);
  }
}

async function measureFront(kind: FrontKind, lab: Lab, plan: Plan, amounts: Amounts): Promise<FrontResult> {
  const figures: Partial<Record<Row, Figure>> = {};
  const wants = (scenario: Scenario) => plan.scenarios.includes(scenario);
  const stage = async (upstreamTls: boolean, work: (front: Front, elsewhere: readonly Measured[]) => Promise<void>) => {
    // A store left with many idle mail processes makes every later login dearer: each front finds a fresh one.
    await lab.store.restart();
    await using cleanup = new AsyncDisposableStack();
    const front = await kind.start(lab.ground, upstreamTls);
    cleanup.defer(() => front.stop());
    await work(front, [
      { label: 'mail store', pid: lab.store.pid },
      { label: 'directory', pid: lab.directory.pid },
    ]);
  };
  const note = (row: Row, figure: Figure) => {
    figures[row] = figure;
    process.stderr.write(`  ${row}: ${figure.value.toPrecision(3)}\n`);
  };

  process.stderr.write(`${kind.title}\n`);
  if (wants('login') || wants('noop')) {
    await stage(false, async (front, elsewhere) => {
      if (wants('login')) note('login', await login({ front, elsewhere, amounts }));
      if (wants('noop')) note('noop', await noop({ front, elsewhere, amounts }));
    });
  }
  if (wants('relay')) {
    await stage(false, async (front, elsewhere) => note('relay', await relay({ front, elsewhere, amounts })));
    if (kind.tlsUpstream) {
      await stage(true, async (front, elsewhere) => note('relay-tls', await relay({ front, elsewhere, amounts })));
    }
  }
  if (wants('idle')) {
    await stage(false, async (front, elsewhere) => {
      const { fresh, used } = await idle({ front, elsewhere, amounts });
      note('idle-fresh', fresh);
      note('idle-used', used);
    });
  }
  return { name: kind.name, title: kind.title, figures };
}

async function main(): Promise<void> {
  const plan = readPlan();
  const missing = missingPeers(['slapd', 'dovecot', 'openssl', ...plan.kinds.flatMap(({ peers }) => peers)]);
  if (missing.length > 0) throw new Error(`install first: ${missing.flatMap(({ packages }) => packages).join(' ')}`);
  const amounts = plan.quick ? QUICK : FULL;
  const results: FrontResult[] = [];
  {
    await using cleanup = new AsyncDisposableStack();
    const lab = await openLab(amounts.users, plan.dist, cleanup);
    for (const kind of plan.kinds) results.push(await measureFront(kind, lab, plan, amounts));
  }
  const table = renderTable(results, ROWS);
  process.stdout.write(`${table}\n`);
  save({ quick: plan.quick, dist: plan.dist, amounts, results }, table);
}

// Interrupted: the servers end, what is being measured fails, and what was started is cleaned up on the way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const { pid } of processTree(process.pid).slice(1)) signalProcess(pid, 'SIGTERM');
  });
}

try {
  if (process.argv[2] === 'store') await (await import('./store/run.ts')).benchStore(process.argv.slice(3));
  else await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
}
