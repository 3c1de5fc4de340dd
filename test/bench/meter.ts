import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessStat, processTree, proportionalBytes } from '../support/processes.ts';

/** A server's process; its descendants count with it. */
export interface Measured {
  readonly label: string;
  readonly pid: number;
}

/** Milliseconds, or bytes, by label. */
export type ByLabel = Readonly<Record<string, number>>;

/** CPU used so far, children that have ended included. */
export function cpuMs(servers: readonly Measured[]): ByLabel {
  return byLabel(servers, stat => preciseCpuMs(stat) + stat.reapedCpuMs);
}

/** Memory in use, shared pages divided among those who share them. Kernel memory (socket buffers) is not in it. */
export function memoryBytes(servers: readonly Measured[]): ByLabel {
  return byLabel(servers, ({ pid }) => proportionalBytes(pid));
}

export function difference(before: ByLabel, after: ByLabel): ByLabel {
  return Object.fromEntries(Object.entries(after).map(([label, value]) => [label, value - (before[label] ?? 0)]));
}

/** What `work` costs each server. Waits a moment after it, so that processes that serve one connection end and are counted. */
export async function measureCpu(
  servers: readonly Measured[],
  work: () => Promise<void>,
): Promise<{ cpu: ByLabel; seconds: number }> {
  const before = cpuMs(servers);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  await sleep(200);
  return { cpu: difference(before, cpuMs(servers)), seconds };
}

function byLabel(servers: readonly Measured[], value: (stat: ProcessStat) => number): ByLabel {
  const sums: Record<string, number> = {};
  for (const { label, pid } of servers) {
    const sum = processTree(pid).reduce((total, stat) => total + value(stat), 0);
    sums[label] = (sums[label] ?? 0) + sum;
  }
  return sums;
}

/**
 * CPU of one process. The scheduler counts nanoseconds, but only for threads still there; /proc/PID/stat counts 10 ms ticks for all.
 * Where the two are far apart, threads have ended, and the coarse figure is the right one.
 */
function preciseCpuMs({ pid, cpuMs: ticks }: ProcessStat): number {
  let fine = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      fine += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
    }
  } catch {
    return ticks;
  }
  return Math.abs(fine - ticks) < 50 ? fine : Math.max(fine, ticks);
}
