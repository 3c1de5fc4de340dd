import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { residentBytes, signalProcess, until } from './processes.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));

export interface PosternOptions {
  /** Runs what `npm run build` made instead of the source. */
  readonly dist?: boolean;
  /** Program to run instead: the launcher or bin of an installed package. */
  readonly launcher?: string;
  /** Options for Node itself. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files to put beside the configuration, by name; the configuration may name them without a folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Exit {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const readyLine = z.object({
  msg: z.literal('ready'),
  listeners: z.array(z.object({ name: z.string(), address: z.string() })),
});

/** A configuration as it is written, as text or as the object it means. */
export type WrittenConfig = string | Readonly<Record<string, unknown>>;

/**
 * Starts Postern as an administrator does (`serve --config FILE`) and waits until it is ready. Data and admin socket go into a
 * temporary folder unless the configuration says otherwise.
 * @throws with what it wrote when it ends before it is ready
 */
export async function startPostern(config: WrittenConfig, options: PosternOptions = {}): Promise<RunningPostern> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-run-'));
  for (const [name, content] of Object.entries(options.files ?? {}))
    writeFileSync(join(folder, name), content, { mode: 0o600 });
  const postern = new RunningPostern(folder, options);
  postern.writeConfig(config);
  try {
    await postern.start();
  } catch (error) {
    await postern.remove();
    throw error;
  }
  return postern;
}

/** Runs a command of Postern to its end, without a server. */
export function runCli(args: readonly string[], options: PosternOptions & { input?: string } = {}): Promise<CliResult> {
  const child = launch(args, options, options.input === undefined ? 'ignore' : 'pipe');
  child.stdin?.end(options.input);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
  });
}

export class RunningPostern {
  readonly folder: string;
  readonly configFile: string;
  /** Every line of the log so far that is JSON. */
  readonly log: LogLine[] = [];
  /** Everything it wrote so far, on both streams. */
  output = '';
  readonly #options: PosternOptions;
  #child: ChildProcess | undefined;
  #exit: Promise<Exit> | undefined;
  #listeners: readonly { name: string; address: string }[] = [];
  #partial = '';

  constructor(folder: string, options: PosternOptions) {
    this.folder = folder;
    this.configFile = join(folder, 'postern.yaml');
    this.#options = options;
  }

  /** Replaces the configuration file; `reload` makes it count. */
  writeConfig(config: WrittenConfig): void {
    const written: unknown = typeof config === 'string' ? parse(config) : config;
    if (!isRecord(written)) throw new Error('a configuration is a mapping');
    const server = isRecord(written.server) ? written.server : {};
    const admin = isRecord(written.admin) ? written.admin : {};
    const complete = {
      ...written,
      server: { data: join(this.folder, 'data'), ...server },
      admin: { socket: join(this.folder, 'admin.sock'), ...admin },
    };
    writeFileSync(this.configFile, stringify(complete), { mode: 0o600 });
  }

  /** Starts it, again after `stop`, and waits for `ready`. */
  async start(): Promise<void> {
    const child = launch(['serve', '--config', this.configFile], this.#options, 'ignore');
    this.#child = child;
    this.#exit = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve({ status, signal }));
    });
    const before = this.log.length;
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    const ready = await this.waitForLog(line => readyLine.safeParse(line).success, { from: before, timeoutMs: 20_000 });
    this.#listeners = readyLine.parse(ready).listeners;
  }

  /** Process id. @throws when it was not started */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('this Postern does not run');
    return pid;
  }

  /** The port that a listener was given, by its name; of the first without one. @throws when there is none */
  port(name?: string): number {
    const listener = this.#listeners.find(candidate => name === undefined || candidate.name === name);
    const port = /:(\d+)$/.exec(listener?.address ?? '')?.[1];
    if (port === undefined)
      throw new Error(`no listener ${name ?? ''} with a port among ${JSON.stringify(this.#listeners)}`);
    return Number(port);
  }

  /** The first log line that fits, waiting for it. @throws when it does not come */
  async waitForLog(
    fits: (line: LogLine) => boolean,
    { from = 0, timeoutMs = 10_000 }: { from?: number; timeoutMs?: number } = {},
  ): Promise<LogLine> {
    let found: LogLine | undefined;
    const look = () => {
      found = this.log.slice(from).find(fits);
      if (!found && !this.#runs()) throw new Error(`Postern ended early:\n${this.output}`);
      return found !== undefined;
    };
    await until(`a log line of Postern; so far:\n${this.output.slice(-4000)}`, look, timeoutMs);
    return found ?? {};
  }

  /** SIGTERM, and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (this.#child?.pid !== undefined) signalProcess(this.#child.pid, signal);
    return this.exit;
  }

  /** How it ended, once it has. */
  get exit(): Promise<Exit> {
    return this.#exit ?? Promise.resolve({ status: null, signal: null });
  }

  /** Ends it at once if it runs, and deletes its folder. */
  async remove(): Promise<void> {
    if (this.#runs()) await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs a command of Postern with this configuration: `cli('sessions')`. */
  cli(...args: readonly string[]): Promise<CliResult> {
    return runCli([...args, '--config', this.configFile], this.#options);
  }

  /** Applies the configuration file as it is now. */
  reload(config?: WrittenConfig): Promise<CliResult> {
    if (config !== undefined) this.writeConfig(config);
    return this.cli('reload');
  }

  /** Bytes of its memory in RAM. */
  residentBytes(): number {
    return residentBytes(this.pid);
  }

  /** Watches its memory while something is done; the highest it was seen, in bytes. */
  async peakResidentBytes(work: () => Promise<unknown>): Promise<number> {
    let peak = this.residentBytes();
    const timer = setInterval(() => {
      peak = Math.max(peak, this.residentBytes());
    }, 20);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
    return Math.max(peak, this.residentBytes());
  }

  #runs(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  #read(text: string): void {
    this.output += text;
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) {
      const parsed = parseLine(line);
      if (parsed) this.log.push(parsed);
    }
  }
}

/** `POSTERN_LAUNCHER=FILE`: every suite tests that program, the launcher of an installed package, instead of the source. */
function standardLauncher(): string {
  return process.env.POSTERN_LAUNCHER ?? join(project, 'src/postern.js');
}

function launch(args: readonly string[], options: PosternOptions, stdin: 'ignore' | 'pipe'): ChildProcess {
  const program = options.launcher ?? (options.dist ? join(project, 'dist/main.js') : standardLauncher());
  const env = { ...process.env, ...options.env };
  // vitest's own settings are not for a child that is the product.
  for (const name of [
    'NODE_OPTIONS',
    'NODE_ENV',
    'VITEST',
    'VITEST_POOL_ID',
    'VITEST_WORKER_ID',
    'TEST',
    'DEV',
    'PROD',
  ])
    delete env[name];
  return spawn(process.execPath, [...(options.nodeOptions ?? []), program, ...args], {
    env,
    stdio: [stdin, 'pipe', 'pipe'],
  });
}

function parseLine(line: string): LogLine | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
