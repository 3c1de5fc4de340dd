import type { AccountId } from '../mail/ids.ts';
import type { DirectoryUser } from './principal.ts';

/** One attempt to log in, as the protocol brought it. */
export interface LoginRequest {
  /** As the client typed it. */
  readonly login: string;
  readonly password: string;
  /** SASL mechanism, or "LOGIN command". */
  readonly mechanism: string;
  /** IP address of the client; anything else (a unix socket) is never counted as an address. */
  readonly address: string;
  /** Name of the listener. */
  readonly listener: string;
  /** Whether the connection is under TLS. */
  readonly secure: boolean;
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
  | 'refused'
  | 'not-authorized'
  | 'unavailable'
  | 'untrusted'
  | 'misconfigured'
  | 'ambiguous';
