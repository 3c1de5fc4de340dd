import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { MailError } from '../../mail/mail-error.ts';
import { mailErrorOf } from './sqlite-error.ts';

/** A row as SQLite gives it: values by their place. */
export type SqlRow = readonly SQLOutputValue[];

export interface DatabaseOptions {
  readonly readOnly?: boolean;
  /** Milliseconds to wait for another process. */
  readonly busyTimeout?: number;
}

/**
 * One connection to one SQLite file, with its prepared statements. Synchronous. Every method throws MailError for what a disk or a
 * damaged file does (`sqlite-error.ts`).
 */
export class Database {
  readonly path: string;
  readonly connection: DatabaseSync;
  readonly #identity: string;
  readonly #statements = new Map<string, StatementSync>();
  /** Called within each write, before it commits. */
  #beforeCommit: () => void = () => {};

  constructor(path: string, { readOnly = false, busyTimeout = 200 }: DatabaseOptions = {}) {
    this.path = path;
    this.connection = this.#guard(
      () =>
        new DatabaseSync(path, {
          readOnly,
          timeout: busyTimeout,
          returnArrays: true,
          enableForeignKeyConstraints: true,
        }),
    );
    this.#identity = fileIdentity(path);
  }

  all(sql: string, ...values: SQLInputValue[]): readonly SqlRow[] {
    const rows: readonly unknown[] = this.#guard(() => this.#prepared(sql).all(...values));
    if (!areRows(rows)) throw new TypeError('rows did not come as arrays');
    return rows;
  }

  get(sql: string, ...values: SQLInputValue[]): SqlRow | undefined {
    return asRow(this.#guard(() => this.#prepared(sql).get(...values)));
  }

  /** @returns rows that were changed */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#guard(() => Number(this.#prepared(sql).run(...values).changes));
  }

  /** Statements that are not kept prepared. */
  exec(sql: string): void {
    this.#guard(() => this.connection.exec(sql));
  }

  onCommit(work: () => void): void {
    this.#beforeCommit = work;
  }

  /**
   * One transaction, committed with a sync when `work` returns, undone when it throws. It begins IMMEDIATE: one that became a
   * writer later would fail at once with BUSY_SNAPSHOT, whatever the time to wait.
   */
  write<T>(work: () => T): T {
    this.#checkIdentity();
    this.run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#beforeCommit();
      this.run('COMMIT');
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  /** Several statements that see the same moment. */
  read<T>(work: () => T): T {
    if (this.connection.isTransaction) return work();
    this.run('BEGIN');
    try {
      return work();
    } finally {
      this.#rollback();
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.connection.isOpen) this.#guard(() => this.connection.close());
  }

  /** What is written to a file that has lost its name is lost, and SQLite does not look. */
  #checkIdentity(): void {
    if (fileIdentity(this.path) === this.#identity) return;
    throw new MailError('damaged', `${this.path} was removed or replaced while it was open`);
  }

  #rollback(): void {
    if (this.connection.isOpen && this.connection.isTransaction) this.run('ROLLBACK');
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw mailErrorOf(error, this.path);
    }
  }
}

function fileIdentity(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.dev}:${found.ino}` : 'none';
}

/** Looks at the first only: they all come from one statement. */
function areRows(rows: readonly unknown[]): rows is readonly SqlRow[] {
  return rows.length === 0 || Array.isArray(rows[0]);
}

function asRow(value: unknown): SqlRow | undefined {
  if (value === undefined) return undefined;
  const rows = [value];
  if (!areRows(rows)) throw new TypeError('a row did not come as an array');
  return rows[0];
}

/** @throws TypeError when the column holds something else: the tables are STRICT, so that is a mistake of ours */
export function integer(value: SQLOutputValue | undefined): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`a column holds ${value === null ? 'null' : typeof value} where a number was expected`);
}

export function optionalInteger(value: SQLOutputValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : integer(value);
}

export function text(value: SQLOutputValue | undefined): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`a column holds ${value === null ? 'null' : typeof value} where a text was expected`);
}

export function octets(value: SQLOutputValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`a column holds ${value === null ? 'null' : typeof value} where octets were expected`);
}

export function optionalOctets(value: SQLOutputValue | undefined): Uint8Array | undefined {
  return value === null || value === undefined ? undefined : octets(value);
}
