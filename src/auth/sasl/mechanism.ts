import type { ScramProof } from '../login-request.ts';
import type { ScramHash, ScramVerifier } from '../scram-verifier.ts';

export type { ScramVerifier } from '../scram-verifier.ts';

/** Who a client says it is. */
export interface Identities {
  /** Name of the mechanism, or "LOGIN command". */
  readonly mechanism: string;
  /** The authorization identity, empty for "as whoever I log in as". */
  readonly authorize: string;
  readonly login: string;
}

/** What a mechanism learnt that leaves a password. */
export interface PasswordCredentials extends Identities {
  readonly password: string;
}

/** What a login is tried with: one of the two. */
export interface Credentials extends Identities {
  readonly password?: string | undefined;
  readonly scram?: ScramProof | undefined;
}

export type SaslStep =
  | { readonly kind: 'challenge'; readonly bytes: Buffer }
  | { readonly kind: 'credentials'; readonly credentials: PasswordCredentials }
  /** The password is proven to a verifier, which whoever asks must bring. */
  | { readonly kind: 'scram'; readonly identities: Identities; readonly exchange: ScramExchange };

/** The rest of a SCRAM exchange (RFC 5802 §5), once it is known who it is about; pure. */
export interface ScramExchange {
  readonly hash: ScramHash;
  /** The server's first message; its salt and iterations are what all verifiers of the user have in common. */
  challenge(verifier: Pick<ScramVerifier, 'salt' | 'iterations'>): Buffer;
  /** Judges the client's final message. @throws Malformed */
  check(response: Buffer, verifiers: readonly ScramVerifier[]): ScramVerdict;
}

/** @property final what proves the server to the client; @property reason for the log: the client is told nothing of it */
export type ScramVerdict =
  | { readonly proven: ScramVerifier; readonly final: Buffer }
  | { readonly proven: undefined; readonly reason: string };

/** What a mechanism may know of the connection. */
export interface SaslContext {
  /** Octets that only this TLS connection has (RFC 5056); undefined where there is no such thing. */
  binding(type: string): Buffer | undefined;
  /** Whether a -PLUS form of the mechanism is offered. */
  readonly plusOffered: (mechanism: string) => boolean;
}

/** One authentication exchange as the server sees it; pure. @throws Malformed on a response that is not the mechanism's */
export interface SaslExchange {
  /** @param response the client's; undefined at the start when it sent no initial response (RFC 4959 §3) */
  next(response: Buffer | undefined): SaslStep;
}

export interface SaslMechanism {
  readonly name: string;
  /** What the connection must have for it to be offered. */
  readonly needs?: 'channel-binding';
  /** @param context absent = a connection of which nothing is known */
  start(context?: SaslContext): SaslExchange;
}
