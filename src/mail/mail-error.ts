/**
 * The closed union of what can go wrong between a client and its mail. How each is answered is one table in `imap/answers.ts`.
 * Grammar errors are not here: they are `Malformed` of the wire, answered BAD and counted. Anything that is neither is a bug:
 * logged with its stack, answered NO [SERVERBUG].
 */
export type MailErrorKind =
  | 'authentication-failed'
  | 'authorization-failed'
  | 'unavailable'
  | 'privacy-required'
  | 'contact-admin'
  /** The password was right and is no longer good: a new one is needed. */
  | 'expired'
  | 'limit'
  | 'too-big'
  // Of serving.
  | 'nonexistent'
  /** As `nonexistent`, of the target of APPEND, COPY and MOVE: creating it would help. */
  | 'no-target'
  | 'already-exists'
  /** The name or the operation is not possible here. */
  | 'cannot'
  /** This special use is not possible, or another mailbox has it. */
  | 'special-use'
  | 'read-only'
  | 'over-quota'
  /** The server has no room left, whoever asks. */
  | 'no-space'
  | 'has-children'
  | 'in-use'
  | 'bad-charset'
  | 'expunge-issued'
  /** The mailbox was deleted or replaced under the session. */
  | 'gone'
  /** What is kept cannot be read; the administrator must look. */
  | 'damaged';

export class MailError extends Error {
  override readonly name = 'MailError';
  readonly kind: MailErrorKind;
  /** For the client, instead of the table's text. */
  readonly answer: string | undefined;

  /**
   * @param detail for the log; never sent to the client
   * @param answer for the client, where an administrator wrote one (a route's `refuse`)
   */
  constructor(kind: MailErrorKind, detail: string, options: { cause?: unknown; answer?: string } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.answer = options.answer;
  }
}
