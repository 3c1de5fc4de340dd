import { parseArgs } from 'node:util';
import { missingPeers } from '../../support/peer-table.ts';
import { save } from '../results.ts';
import type { Figure } from '../scenarios.ts';
import { type FrontResult, renderTable } from '../table.ts';
import {
  fill,
  openReader,
  STORE_FULL,
  STORE_QUICK,
  STORE_ROWS,
  type StoreAmounts,
  type StoreRow,
  type StoreStage,
} from './rows.ts';
import { STORES, type StoreKind } from './servers.ts';

/** `npm run bench -- store [--quick] [--dist] [--only ROWS] [--servers NAMES]`: the embedded store beside Dovecot's. */
export async function benchStore(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      dist: { type: 'boolean', default: false },
      only: { type: 'string', default: STORE_ROWS.map(({ row }) => row).join() },
      servers: { type: 'string', default: STORES.map(({ name }) => name).join() },
    },
  });
  const only = values.only.split(',');
  const rows = STORE_ROWS.filter(({ row }) => only.some(name => row === name || row.startsWith(`${name}-`)));
  const kinds = STORES.filter(({ name }) => values.servers.split(',').includes(name));
  if (rows.length === 0 || kinds.length === 0) throw new Error('no such row or server');
  const missing = missingPeers([
    'openssl',
    ...(kinds.some(({ name }) => name === 'dovecot') ? ['dovecot' as const] : []),
  ]);
  if (missing.length > 0) throw new Error(`install first: ${missing.flatMap(({ packages }) => packages).join(' ')}`);
  const amounts = values.quick ? STORE_QUICK : STORE_FULL;
  const results: FrontResult[] = [];
  for (const kind of kinds) results.push(await measure(kind, rows, amounts, values.dist));
  const table = renderTable(results, STORE_ROWS);
  process.stdout.write(`${table}\n`);
  save({ scope: 'store', quick: values.quick, dist: values.dist, amounts, results }, table);
}

async function measure(
  kind: StoreKind,
  rows: readonly StoreRow[],
  amounts: StoreAmounts,
  dist: boolean,
): Promise<FrontResult> {
  const figures: Record<string, Figure> = {};
  const server = await kind.start(dist);
  try {
    process.stderr.write(`${kind.title}: ${amounts.messages} messages\n`);
    await fill(server, amounts);
    const stage: StoreStage = { server, amounts, reader: await openReader(server) };
    for (const { row, unit, measure } of rows) {
      const found = await measure(stage);
      figures[row] = found;
      process.stderr.write(`  ${row}: ${found.value.toPrecision(3)} ${unit}\n`);
    }
    stage.reader.destroy();
  } finally {
    await server.stop();
  }
  return { name: kind.name, title: kind.title, figures };
}
