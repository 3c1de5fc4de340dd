import type { AccountId } from '../mail/ids.ts';
import type { AppPasswordMark } from './app-password.ts';
import type { KeptVerifiers } from './scram-verifier.ts';

/** What a directory knows of a user. */
export interface DirectoryUser {
  /** Name of the directory in the configuration. */
  readonly directory: string;
  /** Immutable id within it (entryUUID, objectGUID as lower-case text). */
  readonly id: string;
  /** Canonical login name, as the directory spells it. */
  readonly name: string;
  readonly mail: string | undefined;
  /** Value of the host attribute; undefined when the entry has none. */
  readonly host: string | undefined;
  /** DNs (LDAP) or names (static) of the groups. */
  readonly groups: readonly string[];
  /** Further attributes, names in lower case. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  /** Where it was found: the DN, or the file. For logs and explain. */
  readonly entry: string;
  /** "host:port" of the server that proved the password, of a directory that has servers. */
  readonly answeredBy?: string | undefined;
  /** What proves the user's password by SCRAM. */
  readonly scram?: KeptVerifiers | undefined;
}

/** Somebody who has proven who they are. */
export interface Principal extends DirectoryUser {
  readonly account: AccountId;
  /** The login after normalisation. */
  readonly login: string;
  /** SASL mechanism, or "LOGIN command". */
  readonly mechanism: string;
  /** What vouched for them: the directory just now, the result cache, or the cache while no directory answers. */
  readonly proof: 'directory' | 'cache' | 'outage' | 'app-password';
  /** The app password that was the proof. */
  readonly appPassword?: AppPasswordMark;
}
