import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './processes.ts';

/** One call to the system. `begun` and `ended` are places in the order of everything that strace saw. */
export interface SystemCall {
  readonly name: string;
  /** Arguments as strace shows them, file descriptors with their paths. */
  readonly text: string;
  readonly begun: number;
  readonly ended: number;
}

/** What all threads of a process ask of the system, as strace tells. */
export class SystemCalls {
  readonly #file: string;
  readonly #strace: ChildProcess;

  private constructor(file: string, strace: ChildProcess) {
    this.#file = file;
    this.#strace = strace;
  }

  /** @param file to write to @param calls names for `-e trace=` */
  static async watch(pid: number, file: string, calls: readonly string[]): Promise<SystemCalls> {
    const args = ['-f', '-y', '-s', '96', '-e', `trace=${calls.join(',')}`, '-e', 'signal=none', '-o', file];
    const strace = spawn('strace', [...args, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    strace.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until('strace is attached', () => {
      if (strace.exitCode !== null) throw new Error(`strace: ${said}`);
      return /attached/.test(said);
    });
    // It tells of the first thread, and may still be busy with the others.
    await sleep(200);
    return new SystemCalls(file, strace);
  }

  /** Lets go of the process, and returns what was seen. */
  async stop(): Promise<readonly SystemCall[]> {
    const ended = new Promise(resolve => this.#strace.once('close', resolve));
    this.#strace.kill('SIGINT');
    await ended;
    return parseCalls(readFileSync(this.#file, 'latin1').split('\n'));
  }
}

function parseCalls(lines: readonly string[]): readonly SystemCall[] {
  const open = new Map<string, { name: string; text: string; begun: number }>();
  return lines.flatMap((line, place) => {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed) {
      const begun = open.get(thread);
      open.delete(thread);
      return begun ? [{ ...begun, text: begun.text + (resumed[2] ?? ''), ended: place }] : [];
    }
    const [, name, text = ''] = /^(\w+)\((.*)$/.exec(rest) ?? [];
    if (name === undefined) return [];
    const call = { name, text: text.replace(/ <unfinished \.\.\.>$/, ''), begun: place };
    if (text.endsWith('<unfinished ...>')) {
      open.set(thread, call);
      return [];
    }
    return [{ ...call, ended: place }];
  });
}
