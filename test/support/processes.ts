import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** One process of /proc. CPU is in milliseconds, counted in the kernel's ticks of 10 ms. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly cpuMs: number;
  /** CPU of children that have ended and were waited for. */
  readonly reapedCpuMs: number;
}

const MS_PER_TICK = 10;

export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command's name stands in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (index: number) => Number(fields[index] ?? 0);
  return {
    pid,
    parent: number(1),
    state: fields[0] ?? '?',
    cpuMs: (number(11) + number(12)) * MS_PER_TICK,
    reapedCpuMs: (number(13) + number(14)) * MS_PER_TICK,
  };
}

/** A process and all its descendants, parents first; empty when it is gone. */
export function processTree(root: number): readonly ProcessStat[] {
  const all: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? processStat(Number(name)) : undefined;
    if (stat) all.push(stat);
  }
  const tree = all.filter(({ pid }) => pid === root);
  for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid));
  return tree;
}

/** Sends a signal to a process and its descendants, parents first; those already gone are passed over. */
export function signalTree(root: number, signal: NodeJS.Signals): void {
  for (const { pid } of processTree(root)) signalProcess(pid, signal);
}

/**
 * Stops a process and its descendants where they are. Returns when every thread has stopped: the kernel takes its time, in which
 * one may still answer.
 */
export function freezeTree(root: number): void {
  signalTree(root, 'SIGSTOP');
  const moment = new Int32Array(new SharedArrayBuffer(4));
  const deadline = performance.now() + 5000;
  while (processTree(root).some(({ pid }) => !isStopped(pid))) {
    if (performance.now() > deadline) throw new Error(`process ${root} does not stop`);
    Atomics.wait(moment, 0, 0, 1);
  }
}

function isStopped(pid: number): boolean {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map(thread =>
      readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1'),
    );
    return threads.every(stat => /^[TZX]/.test(stat.slice(stat.lastIndexOf(')') + 2)));
  } catch {
    // A process or thread that has just ended runs no more; one of several is looked at again.
    return !isAlive(pid);
  }
}

/** False when the process is gone. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether a process still does anything: one that has ended may stay listed until its parent asks. */
export function isAlive(pid: number): boolean {
  const stat = processStat(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** Bytes of memory in RAM: resident set of the one process. 0 when it is gone. */
export function residentBytes(pid: number): number {
  return kilobytesOf(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB/m);
}

/** Bytes of memory, shared pages divided among those who share them; fair for servers of many processes. */
export function proportionalBytes(pid: number): number {
  return kilobytesOf(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m);
}

function kilobytesOf(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Resolves when `condition` holds. @throws when it does not within `timeoutMs` */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`timed out after ${timeoutMs} ms: ${what}`);
    await sleep(10);
  }
}
