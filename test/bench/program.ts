import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { isAlive, processTree, signalProcess, until } from '../support/processes.ts';

/** A server in the foreground, ended with everything it started. */
export interface Program {
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a server and waits until its port answers. @throws with its output when it ends instead */
export async function startProgram(
  name: string,
  path: string,
  args: readonly string[],
  port: number,
  folder: string,
): Promise<Program> {
  const output = join(folder, `${name}.out`);
  const log = openSync(output, 'a');
  const child = spawn(path, args, { stdio: ['ignore', log, log] });
  child.on('error', () => {});
  await until(`${name} listens on ${port}`, async () => {
    if (child.exitCode !== null || child.pid === undefined)
      throw new Error(`${name} ended at once:\n${readFileSync(output, 'utf8')}`);
    return accepts(port);
  });
  return { pid: child.pid ?? 0, stop: () => stopTree(child) };
}

async function stopTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const members = processTree(child.pid).map(({ pid }) => pid);
  signalProcess(child.pid, 'SIGTERM');
  try {
    await until('the end', () => !members.some(isAlive), 3000);
  } catch {
    for (const pid of members) signalProcess(pid, 'SIGKILL');
    await until('the end', () => !members.some(isAlive), 3000);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
