import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissingPeers } from './install-peers.ts';
import { restoreManifest } from './pack.ts';
import { summarize, summaryLine } from './test-report.ts';

/**
 * `npm test [-- vitest's arguments]`: installs the peers that are missing, runs vitest, and ends with one line of counts. The exit
 * status is 0 only when there were tests, none failed, and vitest is content too.
 */

const project = fileURLToPath(new URL('../..', import.meta.url));
const reportFile = join(project, '.vitest-report.json');

if (restoreManifest()) process.stdout.write('package.json was left as packed; the original is back.\n');
await installMissingPeers(text => process.stdout.write(`${text}\n`));

rmSync(reportFile, { force: true });
const status = await runVitest([
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportFile}`,
  ...process.argv.slice(2),
]);

const summary = summarize(readReport(), status, project);
for (const complaint of summary.complaints) process.stdout.write(`${complaint}\n`);
for (const suite of summary.skippedSuites) process.stdout.write(`skipped: ${suite}\n`);
process.stdout.write(`${summaryLine(summary)}\n`);
process.exitCode = summary.failed > 0 ? status || 1 : status;

function runVitest(args: readonly string[]): Promise<number> {
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, ...args], { cwd: project, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (signal) process.stdout.write(`vitest was ended by ${signal}\n`);
      resolve(code ?? 1);
    });
  });
}

function readReport(): string | undefined {
  try {
    return readFileSync(reportFile, 'utf8');
  } catch {
    return undefined;
  }
}
