/** What a mechanism learnt. `authorize` is the authorization identity, empty for "as whoever I log in as". */
export interface PasswordCredentials {
  readonly mechanism: string;
  readonly authorize: string;
  readonly login: string;
  readonly password: string;
}

export type SaslStep =
  | { readonly kind: 'challenge'; readonly bytes: Buffer }
  | { readonly kind: 'credentials'; readonly credentials: PasswordCredentials };

/** One authentication exchange as the server sees it; pure. @throws Malformed on a response that is not the mechanism's */
export interface SaslExchange {
  /** @param response the client's; undefined at the start when it sent no initial response (RFC 4959 §3) */
  next(response: Buffer | undefined): SaslStep;
}

export interface SaslMechanism {
  readonly name: string;
  start(): SaslExchange;
}
