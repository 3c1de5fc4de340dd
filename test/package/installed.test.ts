import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { InstalledPackage } from '../support/installed-package.ts';
import { long } from '../support/long.ts';
import { type PeerName, peer } from '../support/peers.ts';
import { summarize, type TestSummary } from '../support/test-report.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** What says that an installed package is a whole Postern: users of a real directory, mail of a real server. */
const SUITES = { directory: 'test/peers/directory-', relay: 'test/peers/relay-' } as const;
const NEEDED: readonly PeerName[] = ['slapd', 'dovecot', 'ldapsearch', 'curl', 'gsasl', 'python3', 'mbsync'];
const HOUR_MS = 60 * 60 * 1000;

describe.runIf(long && NEEDED.every(name => peer(name)))('the installed package, before real servers', () => {
  let installed: InstalledPackage;

  beforeAll(async () => {
    installed = await InstalledPackage.make();
  }, 240_000);
  afterAll(() => installed?.remove());

  it.each(Object.entries(SUITES))(
    'passes the %s suites as the source does',
    async (name, files) => {
      const { passed, failed, skipped, complaints } = await runSuites(installed, name, files);
      expect({ failed, complaints }, readFileSync(logOf(installed, name), 'utf8').slice(-8000)).toEqual({
        failed: 0,
        complaints: [],
      });
      expect(skipped).toBe(0);
      expect(passed).toBeGreaterThan(10);
    },
    HOUR_MS,
  );
});

const logOf = ({ folder }: InstalledPackage, name: string) => join(folder, `${name}.log`);

/** One suite after the other: the runner that waits for them has a processor, too. */
async function runSuites(installed: InstalledPackage, name: string, files: string): Promise<TestSummary> {
  const report = join(installed.folder, `${name}.json`);
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const env: NodeJS.ProcessEnv = { ...process.env, POSTERN_LAUNCHER: installed.launcher };
  // What vitest tells its own children is not for another vitest.
  for (const key of Object.keys(env)) if (/^(?:VITEST|TEST$|NODE_ENV$|NODE_OPTIONS$)/.test(key)) delete env[key];
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, '--maxWorkers=1', files], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill());
  const log = createWriteStream(logOf(installed, name));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve(code ?? 1));
  });
  await new Promise<void>(resolve => log.end(resolve));
  return summarize(textOf(report), status, project);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
