import pino from 'pino';
import { Authenticator, type AuthenticatorDeps } from '../../src/auth/authenticator.ts';
import { DecisionRecord } from '../../src/auth/decision-record.ts';
import type { Directory } from '../../src/auth/directory.ts';
import type { LoginOutcome, LoginRequest } from '../../src/auth/login-request.ts';
import type { AuthenticationConfig } from '../../src/config/schema.ts';
import { MailError } from '../../src/mail/mail-error.ts';

export const CONFIG: AuthenticationConfig = {
  directories: ['corp'],
  mechanisms: ['PLAIN', 'LOGIN'],
  login: { case: 'lower', strip_domain: false },
  require: { groups: [] },
  disclose: 'none',
  cache: { ttl: 300_000, outage: 0, size: 100 },
  shield: { remember: 86_400_000, entries: 100 },
  recheck: 900_000,
  throttle: { delay: 500, growth: 2, maximum: 15_000, forget: 600_000, free: 3, refuse: 0, exempt: [] },
  suspicion: { logins: 20, within: 600_000, new_networks: true },
};

/** Time that passes only when somebody sleeps: then at once, to the end of that sleep. */
export class SleepClock {
  time = 10_000;
  /** Called when somebody begins to sleep. */
  onSleep: () => void = () => {};

  readonly now = () => this.time;

  readonly sleep = async (milliseconds: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    this.onSleep();
    signal.throwIfAborted();
    this.time += milliseconds;
    await Promise.resolve();
  };
}

/** How an attempt ended, as a client, the log and the clock see it. */
export interface Ending {
  readonly kind: string;
  readonly detail: string;
  readonly answer: string | undefined;
  readonly took: number;
  readonly stages: string;
  readonly steps: DecisionRecord['steps'];
}

/** An authenticator over fake directories, with a clock of its own and everything it reports. */
export function loginStand(directories: readonly Directory[], config: Partial<AuthenticationConfig> = {}) {
  const clock = new SleepClock();
  const outcomes: LoginOutcome[] = [];
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const deps = (more: Partial<AuthenticationConfig>, given = directories): AuthenticatorDeps => ({
    directories: new Map(given.map(directory => [directory.name, directory])),
    config: { ...CONFIG, directories: given.map(({ name }) => name), ...more },
    log,
    now: clock.now,
    sleep: clock.sleep,
    onOutcome: outcome => outcomes.push(outcome),
  });
  const authenticator = new Authenticator(deps(config));

  const request = (login: string, password: string, more: Partial<LoginRequest> = {}): LoginRequest => ({
    login,
    password,
    mechanism: 'PLAIN',
    address: '192.0.2.1',
    listener: 'imaps',
    secure: true,
    ...more,
  });

  const attempt = async (login: string, password: string, more: Partial<LoginRequest> = {}, by = authenticator) => {
    const record = new DecisionRecord();
    const begun = clock.time;
    const end = (kind: string, detail: string, answer?: string): Ending => ({
      kind,
      detail,
      answer,
      took: clock.time - begun,
      stages: record.steps.map(({ stage, outcome }) => `${stage} ${outcome}`).join(', '),
      steps: record.steps,
    });
    try {
      const signal = new AbortController().signal;
      const principal = await by.authenticate(request(login, password, more), record, signal);
      return end(principal.proof, principal.entry);
    } catch (error) {
      if (!(error instanceof MailError)) throw error;
      return end(error.kind, error.message, error.answer);
    }
  };

  return { authenticator, clock, outcomes, lines, deps, request, attempt };
}
