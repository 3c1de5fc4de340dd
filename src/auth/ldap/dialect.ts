import type { LoginParts } from '../../config/ldap-template.ts';
import type { AccountTrouble, LoginName } from '../directory.ts';
import type { SearchQuestion } from './connection.ts';
import type { LdapEntry } from './response.ts';

/**
 * Asks one server, as whoever may read there, within the time of the attempt that it belongs to.
 * Both throw AuthError, ServerFailure, or the signal's reason.
 */
export interface Asking {
  /** "host:port", for messages. */
  readonly server: string;
  /** The entries that match, at most `sizeLimit`, which must be below what the server sends at once; none for a base that is not there. */
  find(question: SearchQuestion): Promise<readonly LdapEntry[]>;
  /** Every entry that matches, a page at a time. */
  all(question: SearchQuestion): Promise<readonly LdapEntry[]>;
}

/** Whom a login names in a directory. */
export interface Named {
  /** For the templates. */
  readonly parts: LoginParts;
  /** Where to search, if not below `users.base`. */
  readonly base?: string;
}

/** What a kind of directory knows beyond LDAP itself. */
export interface Dialect {
  /** Attributes to read of users besides those configured. They are not told on as attributes of the user. */
  readonly attributes: readonly string[];
  /** Undefined for a name that cannot be one of this directory's. */
  name(login: LoginName, asking: Asking): Promise<Named | undefined>;
  /** The entry with its groups, all under the attribute configured for them. */
  withGroups(entry: LdapEntry, asking: Asking): Promise<LdapEntry>;
  /** What the entry says against logging in as it, where it can be read. */
  troubleOf(entry: LdapEntry): AccountTrouble | undefined;
  /** Where users can prove themselves by a login without anybody having searched for their entry before. */
  readonly self?: SelfBind;
}

/** For directories without a service account: users bind by what they typed, and read their own entry. */
export interface SelfBind {
  /** What to bind as. */
  nameFor(login: LoginName): string;
  /** Whether the entry is the one of who is bound: what binds as one entry must not become another. */
  owns(entry: LdapEntry, asking: Asking): Promise<boolean>;
}

/** What every LDAP server has. */
export const PLAIN_LDAP: Dialect = {
  attributes: [],
  name: async login => ({ parts: login }),
  withGroups: async entry => entry,
  troubleOf: () => undefined,
};
