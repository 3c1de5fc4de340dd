import { setTimeout as sleep } from 'node:timers/promises';
import { BenchClient, inParallel } from './client.ts';
import { PASSWORD, userName } from './directory.ts';
import type { Front } from './fronts.ts';
import { type ByLabel, difference, type Measured, measureCpu, memoryBytes } from './meter.ts';

/** How much of everything. */
export interface Amounts {
  readonly users: number;
  readonly logins: number;
  readonly noops: number;
  /** Messages of 1 MB relayed per round. */
  readonly megabytes: number;
  readonly idle: number;
  readonly rounds: number;
}

export const FULL: Amounts = { users: 200, logins: 600, noops: 16_000, megabytes: 200, idle: 500, rounds: 3 };
export const QUICK: Amounts = { users: 200, logins: 160, noops: 4000, megabytes: 50, idle: 100, rounds: 1 };

/** Users who have mail; the memory scenario spreads its connections over them. */
export const USERS_WITH_MAIL = 20;
export const MESSAGE_BYTES = 1_000_000;
const CONCURRENCY = 16;

/** A figure per front and scenario: its own processes added up, by process, what it caused elsewhere, and the rate. */
export interface Figure {
  /** CPU milliseconds, or kilobytes, per operation. */
  readonly value: number;
  readonly parts: ByLabel;
  /** The same for the mail store and the directory. */
  readonly elsewhere: ByLabel;
  readonly perSecond: number;
}

export type Row = 'login' | 'noop' | 'relay' | 'relay-tls' | 'idle-fresh' | 'idle-used';

/** The rows of the table, in its order. */
export const ROWS: readonly { readonly row: Row; readonly title: string; readonly unit: string }[] = [
  { row: 'login', title: 'CPU per login (full TLS handshake, LDAP checked)', unit: 'ms' },
  { row: 'noop', title: 'CPU per NOOP, 16 connections', unit: 'ms' },
  { row: 'relay', title: 'CPU per MB relayed, plaintext upstream', unit: 'ms' },
  { row: 'relay-tls', title: 'CPU per MB relayed, TLS upstream', unit: 'ms' },
  { row: 'idle-fresh', title: 'memory per idle connection, fresh', unit: 'KB' },
  { row: 'idle-used', title: 'the same after each fetched 1 MB', unit: 'KB' },
];

interface Stage {
  readonly front: Front;
  readonly elsewhere: readonly Measured[];
  readonly amounts: Amounts;
}

/** One connection's whole life but its mail: connect, log in, log out. */
export async function login({ front, elsewhere, amounts }: Stage): Promise<Figure> {
  const once = async (index: number) => {
    const client = await BenchClient.connect(front.port);
    await client.login(userName(index % amounts.users), PASSWORD);
    await client.logout();
  };
  await inParallel(64, CONCURRENCY, once);
  return medianRound(amounts.rounds, () =>
    figure(front, elsewhere, amounts.logins, () => inParallel(amounts.logins, CONCURRENCY, once)),
  );
}

export async function noop({ front, elsewhere, amounts }: Stage): Promise<Figure> {
  const clients = await openClients(front, CONCURRENCY);
  const round = (count: number) =>
    inParallel(count, CONCURRENCY, async (_, worker) => {
      await clients[worker]?.command('NOOP');
    });
  try {
    await round(amounts.noops / 4);
    return await medianRound(amounts.rounds, () => figure(front, elsewhere, amounts.noops, () => round(amounts.noops)));
  } finally {
    for (const client of clients) client.destroy();
  }
}

/** One client fetches message after message. */
export async function relay({ front, elsewhere, amounts }: Stage): Promise<Figure> {
  const [client] = await openClients(front, 1);
  if (!client) throw new Error('no client');
  const fetchAll = async (count: number) => {
    client.literalBytes = 0;
    for (let left = count; left > 0; left -= 10) await client.command('UID FETCH 1:10 (BODY.PEEK[])');
    const expected = Math.ceil(count / 10) * 10 * MESSAGE_BYTES;
    if (client.literalBytes !== expected)
      throw new Error(`${client.literalBytes} bytes relayed instead of ${expected}`);
  };
  try {
    await fetchAll(20);
    return await medianRound(amounts.rounds, () =>
      figure(front, elsewhere, amounts.megabytes, () => fetchAll(amounts.megabytes)),
    );
  } finally {
    client.destroy();
  }
}

/** Memory that connections keep while nothing happens: just logged in, and after a message went through each. */
export async function idle({ front, amounts }: Stage): Promise<{ fresh: Figure; used: Figure }> {
  // What the first connections bring for good (code, pools) is not the price of one more. Only a few: what they leave free
  // inside the process is used by the next ones and would make those look cheaper.
  for (const client of await openClients(front, 4)) await client.logout();
  await sleep(1000);
  const before = memoryBytes(front.processes);
  const clients = await openClients(front, amounts.idle);
  const perConnection = (): Figure => {
    const parts = scale(difference(before, memoryBytes(front.processes)), 1 / 1024 / amounts.idle);
    return { value: sum(parts), parts, elsewhere: {}, perSecond: 0 };
  };
  try {
    await sleep(3000);
    const fresh = perConnection();
    await inParallel(clients.length, CONCURRENCY, async index => {
      await clients[index]?.command('UID FETCH 1 (BODY.PEEK[])');
    });
    await sleep(5000);
    return { fresh, used: perConnection() };
  } finally {
    for (const client of clients) client.destroy();
  }
}

async function openClients(front: Front, count: number): Promise<BenchClient[]> {
  const clients: BenchClient[] = [];
  await inParallel(count, CONCURRENCY, async index => {
    const client = await BenchClient.connect(front.port);
    await client.login(userName(index % USERS_WITH_MAIL), PASSWORD);
    await client.command('SELECT INBOX');
    clients.push(client);
  });
  return clients;
}

export async function figure(
  front: Pick<Front, 'processes'>,
  elsewhere: readonly Measured[],
  operations: number,
  work: () => Promise<void>,
): Promise<Figure> {
  const { cpu, seconds } = await measureCpu([...front.processes, ...elsewhere], work);
  const perOperation = scale(cpu, 1 / operations);
  const of = (measured: readonly Measured[]) =>
    Object.fromEntries(measured.map(({ label }) => [label, perOperation[label] ?? 0]));
  const parts = of(front.processes);
  return { value: sum(parts), parts, elsewhere: of(elsewhere), perSecond: operations / seconds };
}

/** The round in the middle: one disturbed round does not count. */
export async function medianRound(rounds: number, round: () => Promise<Figure>): Promise<Figure> {
  const figures: Figure[] = [];
  for (let index = 0; index < rounds; index += 1) figures.push(await round());
  figures.sort((a, b) => a.value - b.value);
  const median = figures[Math.floor((figures.length - 1) / 2)];
  if (!median) throw new Error('no round was run');
  return median;
}

function scale(values: ByLabel, factor: number): ByLabel {
  return Object.fromEntries(Object.entries(values).map(([label, value]) => [label, value * factor]));
}

function sum(values: ByLabel): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
