import { writeSync } from 'node:fs';
import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/schema.ts';
import { AuditLog } from './audit.ts';
import { LogFile, type LogTarget } from './log-file.ts';

/** A structured log; child loggers carry the session's id. */
export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>;

export type LogConfig = Config['log'];

export interface LogDestinations {
  /** Where lines go that have no file; 1 unless told. */
  readonly stdout?: LogTarget;
  /** Where a destination that fails is complained about; the process's stderr unless told. */
  readonly complain?: (text: string) => void;
  /** Lines lost, for the metric. */
  readonly onLost?: (lines: number) => void;
}

export interface Logs {
  readonly log: Logger;
  readonly audit: AuditLog;
  /** Opens the files again, after log rotation. Never throws: a file that cannot be opened leaves the old one in use. */
  reopen(): void;
  /** For `log` and all its children. */
  setLevel(level: LogConfig['level']): void;
  /** Takes over a changed configuration: level and files. @throws when a file cannot be opened; nothing is changed then */
  apply(config: LogConfig): void;
  /** Writes what waits before returning. Done at the exit of the process by itself. */
  flush(): void;
  /** Writes what waits and closes. */
  close(): Promise<void>;
}

/**
 * Opens the log and the audit log: JSON lines with ISO times. Nothing that happens to the files can fail the process or hold it
 * up. Secrets are kept out by never being handed in, not by filters; errors are written with type, message, code, stack and
 * causes only, so that no object hanging on one comes along.
 * @throws when a file cannot be opened
 */
export function openLog(config: LogConfig, destinations: LogDestinations = {}): Logs {
  const complain = destinations.complain ?? complainOnStderr;
  const stdout = destinations.stdout ?? 1;
  const open = (target: LogTarget): LogFile => {
    const complained = new Set<string>();
    return new LogFile(target, {
      onLost(lines, reason) {
        destinations.onLost?.(lines);
        if (complained.has(reason)) return;
        complained.add(reason);
        complain(`postern: log lines are being lost (${nameOf(target)}): ${reason}\n`);
      },
    });
  };

  let current = config;
  let main = open(config.file ?? stdout);
  let auditFile: LogFile | undefined;
  try {
    auditFile = ownAuditFile(config) === undefined ? undefined : open(ownAuditFile(config) ?? stdout);
  } catch (error) {
    void main.close();
    throw error;
  }
  const sink = { write: (line: string): void => void main.write(line) };
  const log = pino(
    {
      level: config.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { err: serializeError, error: serializeError, cause: serializeError },
    },
    sink,
  );
  const audit = new AuditLog(line => void (auditFile ?? main).write(line));
  const files = () => (auditFile ? [main, auditFile] : [main]);
  const flush = () => {
    for (const file of files()) file.flush();
  };
  process.on('exit', flush);

  return {
    log,
    audit,
    flush,
    reopen() {
      for (const file of files()) {
        try {
          file.reopen();
        } catch (error) {
          log.error({ err: error }, 'cannot reopen a log file; going on with the old one');
        }
      }
    },
    setLevel(level) {
      log.level = level;
    },
    apply(next) {
      const mainMoves = next.file !== current.file;
      const auditMoves = ownAuditFile(next) !== ownAuditFile(current);
      const nextMain = mainMoves ? open(next.file ?? stdout) : main;
      let nextAudit = auditFile;
      try {
        const path = ownAuditFile(next);
        if (auditMoves) nextAudit = path === undefined ? undefined : open(path);
      } catch (error) {
        if (mainMoves) void nextMain.close();
        throw error;
      }
      const old = files();
      main = nextMain;
      auditFile = nextAudit;
      for (const file of old) if (!files().includes(file)) void file.close();
      log.level = next.level;
      current = next;
    },
    async close() {
      await Promise.all(files().map(file => file.close()));
      process.off('exit', flush);
    },
  };
}

/** The audit log's file, unless it is the log's own: then both share one. */
function ownAuditFile(config: LogConfig): string | undefined {
  return config.audit.file === config.file ? undefined : config.audit.file;
}

interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly kind?: string;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** @param error anything thrown @returns what of it may be written */
export function serializeError(error: unknown, depth = 0): SerializedError | string {
  if (!(error instanceof Error)) return String(error);
  const text = (name: 'code' | 'kind') => {
    const value = Reflect.get(error, name);
    return typeof value === 'string' || typeof value === 'number' ? { [name]: String(value) } : {};
  };
  return {
    type: error.name,
    message: error.message,
    ...text('code'),
    ...text('kind'),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth >= 5 ? {} : { cause: serializeError(error.cause, depth + 1) }),
  };
}

function nameOf(target: LogTarget): string {
  return target === 1 ? 'stdout' : String(target);
}

function complainOnStderr(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody is there to hear it.
  }
}
