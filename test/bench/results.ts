import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Writes what a run has found, with the machine it was found on, as a table and as JSON. */
export function save(found: Readonly<Record<string, unknown>>, table: string): void {
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version };
  const report = { at, commit: commit(), machine, ...found };
  const file = join(folder, at.replaceAll(':', '-'));
  writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(`${file}.md`, `${table}\n`);
  process.stderr.write(`written to ${file}.json\n`);
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}
