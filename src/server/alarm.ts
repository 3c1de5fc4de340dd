import { spawn } from 'node:child_process';
import type { SuspicionReport } from '../auth/suspicion.ts';
import type { AuthenticationConfig } from '../config/schema.ts';
import type { AuditLog } from '../observe/audit.ts';
import type { Logger } from '../observe/log.ts';

const AT_ONCE = 4;
const MOST_WAITING = 50;
const TIMEOUT_MS = 10_000;

/** Suspicions go to the audit log, and to the administrator's command or webhook: nobody waits for those, and what is too much is dropped. */
export class Alarm {
  readonly #audit: AuditLog;
  readonly #log: Logger;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;

  constructor(audit: AuditLog, log: Logger) {
    this.#audit = audit;
    this.#log = log;
  }

  readonly raise = (report: SuspicionReport, target: AuthenticationConfig['on_suspicion']): void => {
    const { kind, sample, ...evidence } = report;
    this.#audit.event(kind, { ...evidence, sample: sample?.join(' ') });
    if (!target) return;
    if (this.#waiting.length >= MOST_WAITING) {
      this.#log.warn({ kind: report.kind }, 'on_suspicion is too slow; a suspicion was not handed over');
      return;
    }
    const text = JSON.stringify({ time: new Date().toISOString(), ...report });
    const { command, webhook } = target;
    if (command) this.#waiting.push(() => runCommand(command, text));
    if (webhook !== undefined) this.#waiting.push(() => post(webhook, text));
    this.#next();
  };

  #next(): void {
    while (this.#running < AT_ONCE) {
      const work = this.#waiting.shift();
      if (!work) return;
      this.#running += 1;
      work()
        .catch((err: unknown) => this.#log.error({ err }, 'on_suspicion failed'))
        .finally(() => {
          this.#running -= 1;
          this.#next();
        });
    }
  }
}

/** No shell: what an attacker chose (a login) is data on its standard input. */
async function runCommand([file = '', ...args]: readonly string[], text: string): Promise<void> {
  const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
  // A command that does not read is no failure.
  child.stdin.on('error', () => {});
  child.stdin.end(`${text}\n`);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${file} ended with ${signal ?? `status ${code}`}`));
    });
  });
}

async function post(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`${new URL(url).host} answered ${answer.status}`);
}
