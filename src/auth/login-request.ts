import type { AccountId } from '../mail/ids.ts';
import type { DirectoryUser } from './principal.ts';
import type { ScramHash, ScramVerifier } from './scram-verifier.ts';

/** A proof of a password that is not shown (RFC 5802). */
export interface ScramProof {
  readonly hash: ScramHash;
  /**
   * Lets the client prove itself to one of the verifiers, which have salt and iterations in common.
   * @returns the one that was proven, or why none was
   * @throws whatever ends the exchange: the client's cancelling or leaving, or a message that is none
   */
  prove(
    verifiers: readonly ScramVerifier[],
  ): Promise<{ readonly proven: ScramVerifier | undefined; readonly reason?: string }>;
}

/** One attempt to log in, as the protocol brought it. */
export interface LoginRequest {
  /** As the client typed it. */
  readonly login: string;
  /** Absent when it is not shown. */
  readonly password?: string | undefined;
  readonly scram?: ScramProof | undefined;
  /** SASL mechanism, or "LOGIN command". */
  readonly mechanism: string;
  /** IP address of the client; anything else (a unix socket) is never counted as an address. */
  readonly address: string;
  /** Name of the listener. */
  readonly listener: string;
  /** Whether the connection is under TLS. */
  readonly secure: boolean;
  /** Told what becomes known of whom it is about, also when the attempt is refused in the end. */
  readonly learnt?: (what: {
    readonly login?: string | undefined;
    readonly account?: AccountId;
    readonly directory?: string;
  }) => void;
}

/** What a running server remembers of a login. Times in milliseconds. */
export interface LoginState {
  /** After normalisation; undefined when it cannot be one. */
  readonly login: string | undefined;
  /** Some password of it was proven so long ago. */
  readonly proven: { readonly entry: string; readonly age: number } | undefined;
  /** Its entry was found so long ago, for an app password. */
  readonly entry: { readonly entry: string; readonly age: number } | undefined;
  /** How long an attempt would wait to begin, and how long a refusal would take at least. */
  readonly throttle: { readonly hold: number; readonly delay: number } | undefined;
}

/** Somebody the directories know, without proof that it is them who ask. */
export interface KnownUser extends DirectoryUser {
  readonly account: AccountId;
  /** The login after normalisation. */
  readonly login: string;
}

/** How one attempt ended, for metrics. An attempt given up by the client has none. */
export type LoginOutcome =
  | 'ok'
  | 'ok-cached'
  | 'ok-outage'
  | 'ok-app-password'
  | 'unknown-user'
  | 'bad-password'
  | 'known-wrong'
  | 'over-budget'
  | 'throttled'
  | 'refused'
  | 'not-authorized'
  | 'unavailable'
  | 'untrusted'
  | 'misconfigured'
  | 'ambiguous';
