import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { addressMatcher } from './address-match.ts';
import { Conversation } from './conversation.ts';
import type { Logger } from './log.ts';
import { LogFile } from './log-file.ts';
import { printable } from './printable.ts';

/** Whom to trace. */
export type TraceTarget = { readonly login: string } | { readonly address: string };

/** Both directions of one session; to be fed what was read, before it is acted on or passed on. Never throws, never waits. */
export interface Tracer {
  /** Bytes from the client. */
  client(chunk: Uint8Array): void;
  /** Bytes to the client. */
  server(chunk: Uint8Array): void;
  /** The session is over. */
  end(): void;
}

export interface TracedSession {
  readonly id: string;
  /** Empty while unknown. */
  readonly login: string;
  readonly address: string;
}

/** Who hears what sessions say. */
export interface Eavesdropper {
  wants(login: string, address: string): boolean;
  open(session: TracedSession): Tracer;
}

export interface TraceState {
  /** "login" or "address". */
  readonly by: 'login' | 'address';
  readonly value: string;
  /** ISO time at which it switches itself off. */
  readonly until: string;
  /** Sessions traced so far, and files being written now. */
  readonly sessions: number;
  readonly open: number;
}

export interface ProtocolTraceOptions {
  /** Made when it is needed, readable by its owner only. */
  readonly directory: string;
  readonly log: Logger;
  readonly now?: () => number;
  /** Most bytes of one file. */
  readonly fileSize?: number;
  /** Most sessions for one target, so that a busy address does not fill the disk. */
  readonly sessions?: number;
  /** Most bytes of a session waiting for the disk; what comes on top is left out, with a note. */
  readonly buffer?: number;
}

interface Rule {
  readonly by: 'login' | 'address';
  readonly value: string;
  readonly matches: (login: string, address: string) => boolean;
  until: number;
  sessions: number;
  readonly tracers: Set<FileTracer>;
}

const DEFAULT_FILE_SIZE = 10 * 1024 * 1024;
const DEFAULT_SESSIONS = 100;
const MOST_RULES = 100;

/**
 * Writes what chosen sessions say, `C:` and `S:` by line, with passwords and literals hidden, each session to a file of its own:
 * `<directory>/<login>-<time>-<session>.log`. Switched on and off while running, and off by itself after a time. Sessions that
 * were already open when it was switched on are not traced: in the middle of a literal nobody could tell mail from commands.
 */
export class ProtocolTrace implements Eavesdropper {
  readonly #options: ProtocolTraceOptions;
  readonly #now: () => number;
  readonly #rules = new Map<string, Rule>();
  /** Files being written to their end. */
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ProtocolTraceOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Traces sessions that begin from now on. @param duration milliseconds @throws RangeError when the address is none */
  add(target: TraceTarget, duration: number): void {
    this.#expire();
    const rule = ruleFor(target);
    const key = `${rule.by}:${rule.value}`;
    const known = this.#rules.get(key);
    if (!known && this.#rules.size >= MOST_RULES) throw new RangeError(`${MOST_RULES} traces are on; switch some off`);
    const kept = known ?? rule;
    kept.until = this.#now() + duration;
    kept.sessions = 0;
    this.#rules.set(key, kept);
  }

  /** Switches off one target or all, and ends their files. @returns how many targets */
  remove(target?: TraceTarget): number {
    const wanted = target === undefined ? undefined : ruleFor(target);
    let removed = 0;
    for (const [key, rule] of this.#rules) {
      if (wanted && (rule.by !== wanted.by || rule.value !== wanted.value)) continue;
      this.#drop(key, rule, '<trace switched off>');
      removed += 1;
    }
    return removed;
  }

  list(): TraceState[] {
    this.#expire();
    return [...this.#rules.values()].map(({ by, value, until, sessions, tracers }) => ({
      by,
      value,
      until: new Date(until).toISOString(),
      sessions,
      open: tracers.size,
    }));
  }

  /** Whether a session is to be traced. @param login after normalisation, or "" while unknown */
  wants(login: string, address: string): boolean {
    return this.#rules.size > 0 && this.#find(login, address) !== undefined;
  }

  /** Begins the trace of a session that `wants` said yes to. Never throws: without a file the tracer does nothing. */
  open(session: TracedSession): Tracer {
    const rule = this.#find(session.login, session.address);
    if (!rule) return SILENT;
    rule.sessions += 1;
    try {
      mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
      const path = join(this.#options.directory, fileName(session, this.#now()));
      const file = new LogFile(path, {
        mode: 0o600,
        exclusive: true,
        ...(this.#options.buffer === undefined ? {} : { buffer: this.#options.buffer }),
      });
      const tracer = new FileTracer(file, session, {
        now: this.#now,
        most: this.#options.fileSize ?? DEFAULT_FILE_SIZE,
        expired: () => this.#now() >= rule.until,
        onEnd: closed => {
          rule.tracers.delete(tracer);
          this.#closing.add(closed);
          void closed.then(() => this.#closing.delete(closed));
        },
      });
      rule.tracers.add(tracer);
      return tracer;
    } catch (error) {
      this.#options.log.error({ err: error, session: session.id }, 'cannot write a protocol trace');
      return SILENT;
    }
  }

  /** Ends everything; resolves when the files are written. */
  async close(): Promise<void> {
    for (const [key, rule] of this.#rules) this.#drop(key, rule, '<trace ended: shutting down>');
    await Promise.all(this.#closing);
  }

  #find(login: string, address: string): Rule | undefined {
    this.#expire();
    const most = this.#options.sessions ?? DEFAULT_SESSIONS;
    for (const rule of this.#rules.values()) if (rule.sessions < most && rule.matches(login, address)) return rule;
    return undefined;
  }

  #expire(): void {
    const now = this.#now();
    for (const [key, rule] of this.#rules)
      if (now >= rule.until) this.#drop(key, rule, '<trace ended: its time is over>');
  }

  #drop(key: string, rule: Rule, note: string): void {
    this.#rules.delete(key);
    for (const tracer of [...rule.tracers]) tracer.stop(note);
  }
}

interface FileTracerOptions {
  readonly now: () => number;
  readonly most: number;
  readonly expired: () => boolean;
  readonly onEnd: (closed: Promise<void>) => void;
}

class FileTracer implements Tracer {
  readonly #file: LogFile;
  readonly #id: string;
  readonly #options: FileTracerOptions;
  readonly #conversation: Conversation;
  #written = 0;
  #lost = 0;
  #ended = false;

  constructor(file: LogFile, session: TracedSession, options: FileTracerOptions) {
    this.#file = file;
    this.#id = session.id;
    this.#options = options;
    this.#conversation = new Conversation((side, text) => this.#line(`${side}: ${printable(text)}`));
    const who = session.login === '' ? 'login not yet known' : `login ${session.login}`;
    this.#line(printable(`<trace of session ${session.id}: ${who}, from ${session.address}>`));
  }

  client(chunk: Uint8Array): void {
    if (this.#goesOn()) this.#conversation.client(chunk);
    this.#endWhenUnreadable();
  }

  server(chunk: Uint8Array): void {
    if (this.#goesOn()) this.#conversation.server(chunk);
    this.#endWhenUnreadable();
  }

  end(): void {
    if (this.#ended) return;
    this.#conversation.end();
    this.stop('<end of session>');
  }

  /** Ends the file with a note, while the session goes on. */
  stop(note: string): void {
    if (this.#ended) return;
    this.#finish(note);
  }

  #goesOn(): boolean {
    if (!this.#ended && this.#options.expired()) this.stop('<trace ended: its time is over>');
    return !this.#ended;
  }

  #endWhenUnreadable(): void {
    if (!this.#conversation.readable) this.#finish();
  }

  #line(text: string): void {
    if (this.#ended) return;
    if (this.#lost > 0 && this.#write(this.#lostNote())) this.#lost = 0;
    if (this.#lost > 0 || !this.#write(text)) this.#lost += 1;
    if (this.#written < this.#options.most) return;
    this.#finish('<cut here: the file has reached its limit>');
  }

  #write(text: string, last = false): boolean {
    const line = `${new Date(this.#options.now()).toISOString()} ${this.#id} ${text}\n`;
    const taken = this.#file.write(line, last);
    if (taken) this.#written += line.length;
    return taken;
  }

  #lostNote(): string {
    return `<${this.#lost} lines left out: the disk did not keep up>`;
  }

  #finish(note?: string): void {
    if (this.#ended) return;
    if (this.#lost > 0) this.#write(this.#lostNote(), true);
    if (note !== undefined) this.#write(note, true);
    this.#ended = true;
    this.#options.onEnd(this.#file.close());
  }
}

const SILENT: Tracer = { client() {}, server() {}, end() {} };

function ruleFor(target: TraceTarget): Rule {
  const state = { until: 0, sessions: 0, tracers: new Set<FileTracer>() };
  if ('login' in target) {
    const value = target.login.toLowerCase();
    if (value === '') throw new RangeError('the login is empty');
    return { by: 'login', value, matches: login => login.toLowerCase() === value, ...state };
  }
  const inNetwork = addressMatcher(target.address);
  if (!inNetwork) {
    throw new RangeError(`"${target.address}" is not an address or network; write 192.0.2.1 or 10.0.0.0/8`);
  }
  return { by: 'address', value: target.address, matches: (_login, address) => inNetwork(address), ...state };
}

/** Nothing a client chose may lead out of the directory or hide a file. */
function fileName({ id, login, address }: TracedSession, now: number): string {
  const plain = (text: string) =>
    text
      .replace(/[^A-Za-z0-9@._+-]/g, '_')
      .replace(/^\./, '_')
      .slice(0, 64);
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${plain(login === '' ? address : login)}-${time}-${plain(id)}.log`;
}
