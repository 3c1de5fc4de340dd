import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Exit } from '../support/postern.ts';
import { processTree, signalProcess, until } from '../support/processes.ts';

const launcher = fileURLToPath(new URL('../../src/postern.js', import.meta.url));

/** `postern demo` as somebody starts it. */
export class RunningDemo {
  /** Everything it wrote so far, on both streams. */
  output = '';
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;

  private constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [launcher, 'demo', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    const read = (chunk: Buffer) => {
      this.output += chunk.toString();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    this.exit = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => resolve({ status, signal }));
    });
  }

  /** Starts it and waits until it says what to type. @throws with its output when it ends before */
  static async start(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<RunningDemo> {
    const demo = new RunningDemo(args, env);
    await until(
      'the demonstration is ready',
      () => {
        if (demo.#child.exitCode !== null) throw new Error(`the demonstration ended:\n${demo.output}`);
        return demo.output.includes('Ctrl-C ends it all');
      },
      30_000,
    );
    return demo;
  }

  /** What stands behind a label at the start. @throws when there is none */
  told(label: string): string {
    const value = new RegExp(`^ +${label} +(.*)$`, 'm').exec(this.output)?.[1];
    if (value === undefined) throw new Error(`nothing about "${label}" in:\n${this.output}`);
    return value;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get port(): number {
    return Number(/imaps:\/\/localhost:(\d+)/.exec(this.output)?.[1]);
  }

  get folder(): string {
    return this.told('files').replace(/ .*/, '');
  }

  get configFile(): string {
    return this.told('configuration');
  }

  /** It and all its descendants. */
  processes(): readonly number[] {
    return processTree(this.pid).map(({ pid }) => pid);
  }

  /** Sends a signal, and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Exit> {
    signalProcess(this.pid, signal);
    return this.exit;
  }

  /** For the end of a test that failed. */
  async remove(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop('SIGTERM');
  }
}
