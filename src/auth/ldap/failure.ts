import { AuthError } from '../directory.ts';

/**
 * What is wrong with one server, as opposed to with a user (which is an `AuthError` at once).
 * - `lost`: the connection ended before the answer
 * - `timeout`: nothing came in time
 * - `busy`: no pooled connection became free in time; says nothing against the server
 * - `unavailable`: the server answered that it cannot serve now, or could not be reached
 * - `untrusted`: its TLS could not be verified, or it would not speak TLS
 * - `misconfigured`: it will not serve us as we are configured (service account refused)
 */
export type ServerFailureKind = 'lost' | 'timeout' | 'busy' | 'unavailable' | 'untrusted' | 'misconfigured';

/** The next server may do better; only when none does, it becomes an `AuthError`. */
export class ServerFailure extends Error {
  override readonly name = 'ServerFailure';
  readonly kind: ServerFailureKind;

  /** @param detail for the log; names no password */
  constructor(kind: ServerFailureKind, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/**
 * What failing servers amount to: one that could not be verified must never pass for an outage, and one that refuses the
 * configuration needs an administrator more than one that sleeps.
 */
export function authErrorOf(failures: readonly ServerFailure[]): AuthError {
  const worst =
    failures.find(({ kind }) => kind === 'untrusted') ??
    failures.find(({ kind }) => kind === 'misconfigured') ??
    failures.at(-1);
  const kind = worst?.kind === 'untrusted' || worst?.kind === 'misconfigured' ? worst.kind : 'unavailable';
  const detail = failures.map(({ message }) => message).join('; ');
  return new AuthError(kind, detail === '' ? 'no server to ask' : detail, worst);
}

/** The text of whatever was thrown; Node's AggregateError of several addresses has an empty message and a code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
