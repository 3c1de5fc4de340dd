/**
 * A response broke off in the middle: octets that a literal's head has promised cannot be had. The client would take whatever comes
 * next for them, so the connection must be ended without another word.
 */
export class BrokenResponse extends Error {
  override readonly name = 'BrokenResponse';

  constructor(detail: string, cause: unknown) {
    super(detail, { cause });
  }
}
