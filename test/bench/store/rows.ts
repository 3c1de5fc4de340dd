import { setTimeout as sleep } from 'node:timers/promises';
import { BenchClient, inParallel } from '../client.ts';
import { PASSWORD, userName } from '../directory.ts';
import { difference, memoryBytes } from '../meter.ts';
import { type Figure, figure, medianRound } from '../scenarios.ts';
import type { TableRow } from '../table.ts';
import { benchMessage } from './corpus.ts';
import { type StoreServer, USERS } from './servers.ts';

/** How much of everything. */
export interface StoreAmounts {
  /** In the large mailbox. */
  readonly messages: number;
  readonly appends: number;
  readonly noops: number;
  readonly selects: number;
  readonly searches: number;
  readonly arrivals: number;
  readonly idle: number;
  readonly rounds: number;
}

export const STORE_FULL: StoreAmounts = {
  messages: 20_000,
  appends: 800,
  noops: 16_000,
  selects: 300,
  searches: 10,
  arrivals: 100,
  idle: 200,
  rounds: 3,
};
export const STORE_QUICK: StoreAmounts = {
  messages: 2000,
  appends: 200,
  noops: 4000,
  selects: 50,
  searches: 3,
  arrivals: 20,
  idle: 50,
  rounds: 1,
};

const CONNECTIONS = 16;
const METADATA = '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)';

/** A server with the large mailbox, and somebody who has selected it. */
export interface StoreStage {
  readonly server: StoreServer;
  readonly amounts: StoreAmounts;
  readonly reader: BenchClient;
  /** Measured once for the rows that tell of it. */
  arrivals?: Promise<readonly number[]>;
}

export interface StoreRow extends TableRow {
  measure(stage: StoreStage): Promise<Figure>;
}

/** CPU of one of `count` operations that `work` does, in the round that lies in the middle. */
function costs({ server, amounts }: StoreStage, count: number, work: () => Promise<void>): Promise<Figure> {
  return medianRound(amounts.rounds, () => figure(server, [], count, work));
}

/** A command on the whole large mailbox, `times` over; per message, or as a whole. */
function reading(command: string, per: 'message' | 'command', times: (amounts: StoreAmounts) => number = () => 1) {
  return async (stage: StoreStage) => {
    await stage.reader.command(command);
    const count = times(stage.amounts);
    return costs(stage, per === 'message' ? count * stage.amounts.messages : count, async () => {
      for (let left = count; left > 0; left -= 1) await stage.reader.command(command);
    });
  };
}

/** Microseconds instead of milliseconds. */
function micro(measure: (stage: StoreStage) => Promise<Figure>) {
  return async (stage: StoreStage): Promise<Figure> => {
    const { value, parts, ...rest } = await measure(stage);
    const scaled = Object.fromEntries(Object.entries(parts).map(([label, part]) => [label, part * 1000]));
    return { ...rest, value: value * 1000, parts: scaled };
  };
}

async function enter(server: StoreServer, user: number): Promise<BenchClient> {
  const client = await BenchClient.connect(server.port);
  await client.login(userName(user), PASSWORD);
  return client;
}

/** Messages of the corpus stored by some users at once, each over a connection of their own. */
function appending(users: number) {
  return async (stage: StoreStage) => {
    const clients = await Promise.all(Array.from({ length: users }, (_, index) => enter(stage.server, 1 + index)));
    const { appends } = stage.amounts;
    const messages = Array.from({ length: 100 }, (_, index) => benchMessage(index));
    const round = (count: number) =>
      inParallel(count, users, async (index, worker) => {
        await clients[worker]?.append('INBOX', messages[index % messages.length] ?? new Uint8Array());
      });
    try {
      await round(appends / 4);
      return await costs(stage, appends, () => round(appends));
    } finally {
      for (const client of clients) client.destroy();
    }
  };
}

async function noops(stage: StoreStage): Promise<Figure> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => enter(stage.server, 0)));
  try {
    for (const client of clients) await client.command('SELECT INBOX');
    return await costs(stage, stage.amounts.noops, () =>
      inParallel(stage.amounts.noops, CONNECTIONS, async (_, worker) => {
        await clients[worker]?.command('NOOP');
      }),
    );
  } finally {
    for (const client of clients) client.destroy();
  }
}

async function selects(stage: StoreStage): Promise<Figure> {
  const client = await enter(stage.server, 0);
  try {
    await client.command('SELECT INBOX');
    return await costs(stage, stage.amounts.selects, async () => {
      for (let left = stage.amounts.selects; left > 0; left -= 1) await client.command('SELECT INBOX');
    });
  } finally {
    client.destroy();
  }
}

async function bodies(stage: StoreStage): Promise<Figure> {
  const { reader, amounts } = stage;
  const last = Math.ceil(amounts.messages / 4);
  const fetch = async () => {
    await reader.command(`FETCH 1:${last} (BODY.PEEK[])`);
  };
  await fetch();
  reader.literalBytes = 0;
  await fetch();
  return costs(stage, reader.literalBytes / 1e6, fetch);
}

async function storing(stage: StoreStage): Promise<Figure> {
  const { reader } = stage;
  return costs(stage, 2, async () => {
    await reader.command('STORE 1:* +FLAGS.SILENT (\\Flagged)');
    await reader.command('STORE 1:* -FLAGS.SILENT (\\Flagged)');
  });
}

/** Milliseconds from APPEND to EXISTS at somebody in IDLE, ascending. */
async function measureArrivals({ server, amounts }: StoreStage): Promise<readonly number[]> {
  const [writer, idler] = [await enter(server, USERS - 1), await enter(server, USERS - 1)];
  try {
    await idler.command('SELECT INBOX');
    await idler.idle();
    const times: number[] = [];
    for (let left = amounts.arrivals; left > 0; left -= 1) {
      const told = idler.hears('EXISTS');
      const begun = performance.now();
      await Promise.all([writer.append('INBOX', benchMessage(5)), told]);
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b);
  } finally {
    writer.destroy();
    idler.destroy();
  }
}

/** The longest of all but so many as the share leaves. */
function arrivals(share: number) {
  return async (stage: StoreStage): Promise<Figure> => {
    stage.arrivals ??= measureArrivals(stage);
    const times = await stage.arrivals;
    const value = times[Math.floor(times.length * share)] ?? 0;
    return { value, parts: { [stage.server.processes[0]?.label ?? '']: value }, elsewhere: {}, perSecond: 0 };
  };
}

/** Kilobytes of each connection that idles in the large mailbox, after it has looked at some messages. */
async function idleMemory({ server, amounts }: StoreStage): Promise<Figure> {
  const clients: BenchClient[] = [];
  const open = async (count: number) => {
    for (let left = count; left > 0; left -= 1) {
      const client = await enter(server, 0);
      clients.push(client);
      await client.command('SELECT INBOX');
      await client.command('FETCH 1:10 (UID FLAGS ENVELOPE)');
      await client.idle();
    }
  };
  // What earlier work has left free inside the process would make the connections look cheaper.
  await server.restart();
  try {
    await open(4);
    await sleep(2000);
    const before = memoryBytes(server.processes);
    await open(amounts.idle);
    await sleep(3000);
    const grown = Object.entries(difference(before, memoryBytes(server.processes)));
    const parts = Object.fromEntries(grown.map(([label, bytes]) => [label, bytes / 1024 / amounts.idle]));
    const value = Object.values(parts).reduce((sum, part) => sum + part, 0);
    return { value, parts, elsewhere: {}, perSecond: 0 };
  } finally {
    for (const client of clients) client.destroy();
  }
}

const searches = ({ searches: count }: StoreAmounts) => count;

/** In the order of the table. */
export const STORE_ROWS: readonly StoreRow[] = [
  { row: 'append', title: 'APPEND, durable, 1 connection', unit: 'ms', measure: appending(1) },
  { row: 'append-8', title: 'APPEND, durable, 8 users', unit: 'ms', measure: appending(USERS - 1) },
  { row: 'noop', title: 'NOOP, 16 connections, selected', unit: 'ms', measure: noops },
  { row: 'select', title: 'SELECT of the large mailbox', unit: 'ms', measure: selects },
  {
    row: 'metadata',
    title: `FETCH ${METADATA}, per message`,
    unit: 'us',
    measure: micro(reading(`FETCH 1:* ${METADATA}`, 'message')),
  },
  {
    row: 'headers',
    title: 'FETCH BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)], per message',
    unit: 'us',
    measure: micro(reading('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)])', 'message')),
  },
  { row: 'bodies', title: 'FETCH BODY.PEEK[] over TLS, per MB', unit: 'ms', measure: bodies },
  {
    row: 'search-subject',
    title: 'SEARCH SUBJECT',
    unit: 'ms',
    measure: reading('SEARCH SUBJECT budget', 'command', searches),
  },
  {
    row: 'search-from',
    title: 'SEARCH FROM',
    unit: 'ms',
    measure: reading('SEARCH FROM "<42@example"', 'command', searches),
  },
  { row: 'search-body', title: 'SEARCH BODY', unit: 'ms', measure: reading('SEARCH BODY zebra', 'command') },
  { row: 'store', title: 'STORE 1:* FLAGS.SILENT', unit: 'ms', measure: storing },
  { row: 'arrival-p50', title: 'APPEND to EXISTS at an IDLE connection, p50', unit: 'ms', measure: arrivals(0.5) },
  { row: 'arrival-p99', title: 'the same, p99', unit: 'ms', measure: arrivals(0.99) },
  { row: 'idle', title: 'memory per IDLE connection, mailbox selected', unit: 'KB', measure: idleMemory },
];

/** Fills the large mailbox over some connections. */
export async function fill(server: StoreServer, { messages }: StoreAmounts): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 4 }, () => enter(server, 0)));
  await inParallel(messages, clients.length, async (index, worker) => {
    await clients[worker]?.append('INBOX', benchMessage(index));
  });
  for (const client of clients) await client.logout();
}

export async function openReader(server: StoreServer): Promise<BenchClient> {
  const reader = await enter(server, 0);
  await reader.command('SELECT INBOX');
  return reader;
}
