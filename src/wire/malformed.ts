/** Bytes that do not follow the grammar. Answered BAD and counted; the message is safe to show to the peer. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** The client took back what it had begun: `*` in place of a SASL response (RFC 9051 §6.2.2). */
export class Cancelled extends Malformed {}
