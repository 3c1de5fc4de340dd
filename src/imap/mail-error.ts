/**
 * The closed union of what can go wrong between a client and its mail, and the one table that says how each is answered
 * (RFC 5530, RFC 9051 §7.1). Grammar errors are not here: they are `SyntaxError`s of the wire, answered BAD and counted.
 * Anything that is neither is a bug: logged with its stack, answered NO [SERVERBUG].
 */
export type MailErrorKind =
  | 'authentication-failed'
  | 'authorization-failed'
  | 'unavailable'
  | 'privacy-required'
  | 'contact-admin'
  | 'limit'
  | 'too-big';

interface Answer {
  readonly code: string;
  readonly text: string;
}

/** What the client reads; deliberately without detail. The log has the detail, under the session's id. */
export const ANSWERS: Readonly<Record<MailErrorKind, Answer>> = {
  'authentication-failed': { code: 'AUTHENTICATIONFAILED', text: 'Authentication failed.' },
  'authorization-failed': { code: 'AUTHORIZATIONFAILED', text: 'You may not use this service.' },
  unavailable: { code: 'UNAVAILABLE', text: 'Temporarily unavailable, please try again later.' },
  'privacy-required': { code: 'PRIVACYREQUIRED', text: 'Use TLS first.' },
  'contact-admin': {
    code: 'CONTACTADMIN',
    text: 'Your mailbox is not set up here; please contact your administrator.',
  },
  limit: { code: 'LIMIT', text: 'Too many connections.' },
  'too-big': { code: 'TOOBIG', text: 'Too big.' },
};

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
