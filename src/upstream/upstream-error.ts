/**
 * Why an upstream did not take somebody in.
 * - `unavailable`: no server answered, or it said it cannot now
 * - `untrusted`: a server could not prove who it is, or tried to do without TLS; never an outage
 * - `refused`: the login itself was refused; told apart from a wrong password, which the directory would have refused
 * - `misconfigured`: it answered in a way that cannot work here
 */
export type UpstreamErrorKind = 'unavailable' | 'untrusted' | 'refused' | 'misconfigured';

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly kind: UpstreamErrorKind;
  /** "host:port" of the server that decided, where one did. */
  readonly server: string | undefined;
  /** Whether only this login was turned down: the server answered, and may well take the next one. */
  readonly onlyThisLogin: boolean;

  /** @param detail for the log; holds no secret, is never sent to a client */
  constructor(
    kind: UpstreamErrorKind,
    detail: string,
    options: { server?: string; cause?: unknown; onlyThisLogin?: boolean } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.server = options.server;
    this.onlyThisLogin = options.onlyThisLogin ?? kind === 'refused';
  }
}
