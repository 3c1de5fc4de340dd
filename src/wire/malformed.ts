/** Bytes that do not follow the grammar. Answered BAD and counted; the message is safe to show to the peer. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}
