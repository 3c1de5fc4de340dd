import { randomUUID } from 'node:crypto';
import { FilterParser } from 'ldapts';
import {
  type FilterTemplate,
  type LoginParts,
  parseDnTemplate,
  parseFilterTemplate,
  type Template,
} from '../../config/ldap-template.ts';
import type { LdapConfig } from '../../config/schema.ts';
import { AuthError, type Directory, type LoginName, type ServerState } from '../directory.ts';
import type { DirectoryUser } from '../principal.ts';
import type { SearchQuestion } from './connection.ts';
import { type Asking, type Dialect, PLAIN_LDAP, type SelfBind } from './dialect.ts';
import { attributesToRead, joinRanges, rangedNames, userOf } from './entry.ts';
import { authErrorOf, ServerFailure } from './failure.ts';
import { listEntries } from './listing.ts';
import type { LdapEntry } from './response.ts';
import { describeTrouble } from './result-codes.ts';
import type { LdapServer, LdapServerConfig } from './server.ts';
import { NamedServers, type ServerSource, Servers, type ServersOptions } from './servers.ts';

export interface LdapDirectoryOptions extends ServersOptions {
  /** Where the servers are, if not where the configuration says. */
  readonly source?: ServerSource;
  readonly dialect?: Dialect;
}

/** What is the same for all kinds of LDAP directories. */
export interface LdapDirectoryConfig extends LdapServerConfig {
  readonly users: LdapConfig['users'];
  readonly bind_as?: string | undefined;
}

const ANYTHING = FilterParser.parseString('(objectClass=*)');

/** What may never reach a server: nobody is called so, and requests must stay small. In UTF-16 units. */
const LONGEST_LOGIN = 1024;
const LONGEST_PASSWORD = 16 * 1024;

/**
 * Users in LDAP (RFC 4511): the entry is searched as the service account and the password proven by binding as the entry, or the
 * other way round with `bind_as`.
 *
 * @throws SyntaxError when `users.filter` or `bind_as` are not templates of a filter and a DN
 */
export function openLdapDirectory(name: string, config: LdapConfig, options: LdapDirectoryOptions): Directory {
  return new LdapDirectory(name, config, { source: new NamedServers(config.servers), ...options });
}

/** See `openLdapDirectory`; for other kinds of directories that speak LDAP. */
export class LdapDirectory implements Directory {
  readonly name: string;
  readonly #config: LdapDirectoryConfig;
  readonly #dialect: Dialect;
  readonly #servers: Servers;
  readonly #filter: FilterTemplate;
  readonly #bindAs: Template | undefined;
  readonly #attributes: readonly string[];
  readonly #hidden: ReadonlySet<string>;

  constructor(
    name: string,
    config: LdapDirectoryConfig,
    options: LdapDirectoryOptions & { readonly source: ServerSource },
  ) {
    this.name = name;
    this.#config = config;
    this.#dialect = options.dialect ?? PLAIN_LDAP;
    this.#filter = parseFilterTemplate(config.users.filter);
    this.#bindAs = config.bind_as === undefined ? undefined : parseDnTemplate(config.bind_as);
    const wanted = attributesToRead(config.users.attributes);
    const known = new Set(wanted.map(attribute => attribute.toLowerCase()));
    const own = this.#dialect.attributes.filter(attribute => !known.has(attribute.toLowerCase()));
    this.#attributes = [...wanted, ...own];
    this.#hidden = new Set(own.map(attribute => attribute.toLowerCase()));
    this.#servers = new Servers(name, config, options.source, options);
  }

  authenticate(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    if (password === '') return Promise.reject(new AuthError('bad-password', 'the password is empty'));
    if (password.length > LONGEST_PASSWORD)
      return Promise.reject(new AuthError('bad-password', 'the password is too long'));
    // Servers written in C may stop reading at NUL (Samba 4.17 does): another password would pass, and one that begins so for an empty one.
    if (password.includes('\0')) return Promise.reject(new AuthError('bad-password', 'the password holds NUL'));
    if (isImpossible(login)) return Promise.reject(new AuthError('unknown-user', 'nobody can be called that'));
    return abortable(this.#proveUser(login, password, signal), signal);
  }

  async lookup(login: LoginName, signal: AbortSignal): Promise<DirectoryUser | undefined> {
    this.#requireSearch();
    if (isImpossible(login)) return undefined;
    const found = this.#servers.try(signal, async (server, deadline) => {
      const asking = server.asking(deadline, signal);
      const entry = await this.#find(login, asking);
      if (!entry) return undefined;
      const trouble = this.#dialect.troubleOf(entry);
      if (trouble !== undefined) {
        const refusal = { trouble, passwordProven: false };
        throw new AuthError('refused', `${entry.dn}: ${describeTrouble(trouble)}`, undefined, refusal);
      }
      return this.#whole(entry, asking);
    });
    const entry = await abortable(found, signal);
    return entry && this.#userOf(entry, login.login);
  }

  async *list(signal: AbortSignal): AsyncIterable<DirectoryUser> {
    this.#requireSearch();
    const { base, scope } = this.#config.users;
    const question = {
      base,
      scope,
      filter: FilterParser.parseString(this.#filter.anybody),
      attributes: this.#attributes,
      sizeLimit: 0,
    };
    const { timeout } = this.#config;
    const [server, connection] = await this.#servers.try(
      signal,
      async chosen => [chosen, await chosen.openForSearch()] as const,
    );
    try {
      for await (const entry of listEntries(connection, question, timeout, signal)) {
        const whole = await this.#whole(entry, server.asking(performance.now() + timeout, signal));
        yield this.#userOf(whole, entry.dn);
      }
    } catch (error) {
      throw error instanceof ServerFailure ? authErrorOf([error]) : error;
    } finally {
      connection.close();
    }
  }

  servers(): readonly ServerState[] {
    return this.#servers.states();
  }

  close(): Promise<void> {
    return this.#servers.close();
  }

  #proveUser(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    const { self } = this.#dialect;
    if (this.#bindAs) return this.#proveFirst(this.#bindAs.render(login), login, password, signal);
    if (self && !this.#config.bind) return this.#proveSelf(self, login, password, signal);
    return this.#searchFirst(login, password, signal);
  }

  /** A user proven by one of the servers, with its name. */
  #answered(
    signal: AbortSignal,
    attempt: (server: LdapServer, deadline: number) => Promise<DirectoryUser>,
  ): Promise<DirectoryUser> {
    return this.#servers.try(signal, async (server, deadline) => ({
      ...(await attempt(server, deadline)),
      answeredBy: server.name,
    }));
  }

  #proveSelf(self: SelfBind, login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    const name = self.nameFor(login);
    const read = async (asking: Asking) => {
      const entry = await this.#find(login, asking);
      if (!entry) throw new AuthError('refused', `${name} matches no entry, or may not read its own`);
      if (!(await self.owns(entry, asking))) throw new AuthError('refused', `${name} is not ${entry.dn}`);
      return this.#userOf(await this.#whole(entry, asking), login.login);
    };
    return this.#answered(signal, (server, deadline) => server.proveAndAsk(name, password, read, deadline, signal));
  }

  #searchFirst(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    return this.#answered(signal, async (server, deadline) => {
      const asking = server.asking(deadline, signal);
      const entry = await this.#find(login, asking);
      if (!entry) {
        // The work of a wrong password, so that time does not tell who exists.
        await server.pretend(this.#nobody(), password, deadline, signal);
        throw new AuthError('unknown-user', `no entry matches at ${server.name}`);
      }
      // An empty DN is an anonymous bind, which every password satisfies (RFC 4513 §5.1.1).
      if (entry.dn === '') throw new AuthError('misconfigured', `${server.name} sent an entry without a DN`);
      await this.#prove(server, entry, password, deadline, signal);
      return this.#userOf(await this.#whole(entry, asking), login.login);
    });
  }

  async #prove(server: LdapServer, entry: LdapEntry, password: string, deadline: number, signal: AbortSignal) {
    try {
      await server.prove(entry.dn, password, deadline, signal);
    } catch (error) {
      const trouble = this.#dialect.troubleOf(entry);
      if (!(error instanceof AuthError) || error.kind !== 'bad-password' || trouble === undefined) throw error;
      const detail = `${error.message} (and ${describeTrouble(trouble)})`;
      throw new AuthError('bad-password', detail, error, { trouble, passwordProven: false });
    }
  }

  #proveFirst(dn: string, login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    return this.#answered(signal, async (server, deadline) => {
      if (!this.#config.bind) {
        const own = async (asking: Asking) => {
          const found = await this.#find(login, asking);
          return found && this.#whole(found, asking);
        };
        const entry = await server.proveAndAsk(dn, password, own, deadline, signal);
        if (!entry) throw new AuthError('refused', `${dn} does not match users.filter, or may not read its own entry`);
        return this.#userOf(entry, login.login);
      }
      // A refused bind does not say whether there is such a user. The search does; it is made in any case, so that time does not.
      const refusal = await server.prove(dn, password, deadline, signal).then(() => undefined, asRefusal);
      const asking = server.asking(deadline, signal);
      const entry = await this.#find(login, asking);
      if (!entry) throw new AuthError('unknown-user', `no entry ${dn} matches users.filter at ${server.name}`);
      if (refusal) throw refusal;
      return this.#userOf(await this.#whole(entry, asking), login.login);
    });
  }

  /** The one entry of a login, as it came. */
  async #find(login: LoginName, asking: Asking): Promise<LdapEntry | undefined> {
    const named = await this.#dialect.name(login, asking);
    if (!named) return undefined;
    const question = this.#ask(named.parts, named.base, this.#bindAs?.render(login));
    return onlyOne(await asking.find(question), question.base);
  }

  /** @param dn with `bind_as`, the one entry it may be: what binds as one entry must not become another */
  #ask(parts: LoginParts, below: string | undefined, dn: string | undefined): SearchQuestion {
    const { base, scope } = this.#config.users;
    return {
      base: dn ?? below ?? base,
      scope: dn === undefined ? scope : 'base',
      filter: FilterParser.parseString(this.#filter.render(parts)),
      attributes: this.#attributes,
      sizeLimit: 2,
    };
  }

  /** The entry with all values of what came in parts, and with all groups. */
  async #whole(entry: LdapEntry, asking: Asking): Promise<LdapEntry> {
    const question = { base: entry.dn, scope: 'base', filter: ANYTHING, sizeLimit: 1 } as const;
    let whole = entry;
    for (const key of rangedNames(entry)) {
      const name = this.#attributes.find(attribute => attribute.toLowerCase() === key) ?? key;
      whole = await joinRanges(whole, name, async range => {
        const [part] = await asking.find({ ...question, attributes: [range] });
        return part;
      });
    }
    return this.#dialect.withGroups(whole, asking);
  }

  /** A DN that cannot exist. */
  #nobody(): string {
    const { base } = this.#config.users;
    return `cn=${randomUUID()}${base === '' ? '' : `,${base}`}`;
  }

  #requireSearch(): void {
    if ((this.#bindAs || this.#dialect.self) && !this.#config.bind) {
      throw new AuthError(
        'misconfigured',
        `directory ${this.name} has no service account, so that nobody can be looked up without a password; set bind`,
      );
    }
  }

  #userOf(entry: LdapEntry, fallbackName: string): DirectoryUser {
    return userOf(this.name, entry, this.#config.users.attributes, fallbackName, this.#hidden);
  }
}

function isImpossible({ login }: LoginName): boolean {
  // Servers written in C may stop reading a value at NUL: Samba 4.17 takes `alice\0` for alice.
  return login === '' || login.length > LONGEST_LOGIN || login.includes('\0');
}

function onlyOne(entries: readonly LdapEntry[], base: string): LdapEntry | undefined {
  if (entries.length <= 1) return entries[0];
  const names = entries.map(({ dn }) => dn).join(' and ');
  throw new AuthError('ambiguous', `more than one entry matches below ${base}: ${names}`);
}

function asRefusal(error: unknown): AuthError {
  if (error instanceof AuthError && (error.kind === 'bad-password' || error.kind === 'refused')) return error;
  throw error;
}

/** The client is gone: whoever waits stops at once, while the operation ends by itself and its connection stays good. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
