import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Says who it is, then waits for a signal to end by. */
const PROGRAM = `
  process.on('SIGTERM', () => process.exit(7));
  const { pid, versions, argv } = process;
  console.log(JSON.stringify({ pid, node: versions.node, args: argv.slice(2), from: import.meta.url.split('/').slice(-2).join('/') }));
  if (argv.includes('crash')) process.kill(pid, 'SIGKILL');
  if (!argv.includes('wait')) process.exit(argv.includes('three') ? 3 : 0);
  setInterval(() => {}, 1000);
`;

/** Makes the Node that loads it first look like an old one, with or without execve. */
const OLD_NODE = `
  if (!process.env.LAUNCHED) {
    process.env.LAUNCHED = 'yes';
    Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } });
    if (process.env.NO_EXECVE) process.execve = undefined;
  }
`;

interface Outcome {
  readonly pid: number;
  readonly said: { pid: number; node: string; args: string[]; from: string } | undefined;
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

describe('launcher', () => {
  let root = '';

  /** A project folder as the launcher sees it. */
  function project(name: string, parts: { source?: boolean; dist?: boolean; carried?: boolean }): string {
    const folder = join(root, name);
    mkdirSync(join(folder, 'src'), { recursive: true });
    mkdirSync(join(folder, 'dist'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    copyFileSync(fileURLToPath(new URL('../../src/postern.js', import.meta.url)), join(folder, 'src/postern.js'));
    if (parts.source) writeFileSync(join(folder, 'src/main.ts'), PROGRAM);
    if (parts.dist) writeFileSync(join(folder, 'dist/main.js'), PROGRAM);
    if (parts.carried) {
      const carried = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
      mkdirSync(carried, { recursive: true });
      symlinkSync(process.execPath, join(carried, 'node'));
    }
    return folder;
  }

  function launch(folder: string, args: string[], env: NodeJS.ProcessEnv = {}, old = false): Promise<Outcome> {
    const preload = old ? ['--import', pathToFileURL(join(root, 'old-node.mjs')).href] : [];
    const child = spawn(process.execPath, [...preload, join(folder, 'src/postern.js'), ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (args.includes('wait') && stdout.includes('\n')) child.kill('SIGTERM');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        const said = stdout === '' ? undefined : JSON.parse(stdout);
        resolve({ pid: child.pid ?? 0, said, code, signal, stderr });
      });
    });
  }

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'postern-launcher-'));
    writeFileSync(join(root, 'old-node.mjs'), OLD_NODE);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('runs the source in its own process, with its arguments and exit status', async () => {
    const outcome = await launch(project('source', { source: true, dist: true }), ['a b', 'three']);
    expect(outcome.said).toMatchObject({ pid: outcome.pid, args: ['a b', 'three'], from: 'src/main.ts' });
    expect(outcome.code).toBe(3);
  });

  it('runs what was built where there is no source', async () => {
    const outcome = await launch(project('packed', { dist: true }), []);
    expect(outcome).toMatchObject({ code: 0, said: { from: 'dist/main.js' } });
  });

  it.each([
    ['by becoming it', {}, true],
    ['as a child, where a Node cannot become another program', { NO_EXECVE: '1' }, false],
  ])('lets an old Node run the carried one %s; signals and exit status pass', async (name, env, samePid) => {
    const folder = project(`old ${name}`, { source: true, carried: true });
    const outcome = await launch(folder, ['wait', 'x'], env, true);
    expect(outcome.said).toMatchObject({ node: process.versions.node, args: ['wait', 'x'] });
    expect(outcome.said?.pid === outcome.pid).toBe(samePid);
    expect(outcome.code).toBe(7);
    expect((await launch(folder, ['three'], env, true)).code).toBe(3);
    expect(await launch(folder, ['crash'], env, true)).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it('says what to do when no Node is new enough', async () => {
    const outcome = await launch(project('stranded', { source: true }), [], {}, true);
    expect(outcome).toMatchObject({ code: 1, said: undefined });
    expect(outcome.stderr).toMatch(/Node 24 or newer is needed.*npm ci/);
  });

  it('says what to do when there is nothing to run', async () => {
    const outcome = await launch(project('unbuilt', {}), []);
    expect(outcome).toMatchObject({ code: 1, said: undefined });
    expect(outcome.stderr).toMatch(/npm run build/);
  });
});
