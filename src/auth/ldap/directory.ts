import { randomUUID } from 'node:crypto';
import { FilterParser } from 'ldapts';
import { formatServer } from '../../config/address.ts';
import {
  type FilterTemplate,
  parseDnTemplate,
  parseFilterTemplate,
  type Template,
} from '../../config/ldap-template.ts';
import type { LdapConfig } from '../../config/schema.ts';
import { OutgoingTlsContext } from '../../net/outgoing-tls.ts';
import { ServerList } from '../../net/server-list.ts';
import type { Logger } from '../../observe/log.ts';
import { AuthError, type Directory, type LoginName, type ServerState } from '../directory.ts';
import type { DirectoryUser } from '../principal.ts';
import type { SearchQuestion } from './connection.ts';
import { attributesToRead, isRanged, joinRanges, userOf } from './entry.ts';
import { authErrorOf, ServerFailure } from './failure.ts';
import { listEntries } from './listing.ts';
import type { LdapEntry } from './response.ts';
import { LdapServer } from './server.ts';

export interface LdapDirectoryOptions {
  readonly log: Logger;
  /** Told when a server fails, and when it is used again. */
  readonly onServerChange?: (server: string, up: boolean, reason?: string) => void;
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
  return new LdapDirectory(name, config, options);
}

class LdapDirectory implements Directory {
  readonly name: string;
  readonly #config: LdapConfig;
  readonly #list: ServerList;
  readonly #servers: ReadonlyMap<string, LdapServer>;
  readonly #filter: FilterTemplate;
  readonly #bindAs: Template | undefined;
  readonly #attributes: readonly string[];

  constructor(name: string, config: LdapConfig, { log, onServerChange }: LdapDirectoryOptions) {
    this.name = name;
    this.#config = config;
    this.#filter = parseFilterTemplate(config.users.filter);
    this.#bindAs = config.bind_as === undefined ? undefined : parseDnTemplate(config.bind_as);
    this.#attributes = attributesToRead(config.users.attributes);
    const context = new OutgoingTlsContext(config);
    this.#servers = new Map(
      config.servers.map(address => [formatServer(address), new LdapServer(address, config, context)]),
    );
    this.#list = new ServerList(config.servers, {
      retry: config.retry,
      probe: async address => this.#servers.get(formatServer(address))?.probe(),
      onChange: (address, up, reason) => {
        const server = formatServer(address);
        if (up) log.info({ directory: name, server }, 'directory server is back');
        else log.warn({ directory: name, server, reason }, 'directory server failed');
        onServerChange?.(server, up, reason);
      },
    });
  }

  authenticate(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    if (password === '') return Promise.reject(new AuthError('bad-password', 'the password is empty'));
    if (password.length > LONGEST_PASSWORD)
      return Promise.reject(new AuthError('bad-password', 'the password is too long'));
    if (isImpossible(login)) return Promise.reject(new AuthError('unknown-user', 'nobody can be called that'));
    const prove = this.#bindAs
      ? this.#proveFirst(this.#bindAs.render(login), login, password, signal)
      : this.#searchFirst(login, password, signal);
    return abortable(prove, signal);
  }

  async lookup(login: LoginName, signal: AbortSignal): Promise<DirectoryUser | undefined> {
    this.#requireSearch();
    if (isImpossible(login)) return undefined;
    const dn = this.#bindAs?.render(login);
    const found = this.#onServers(signal, (server, deadline) =>
      this.#find(server, this.#ask(login, dn), deadline, signal),
    );
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
    const [server, connection] = await this.#onServers(
      signal,
      async chosen => [chosen, await chosen.openForSearch()] as const,
    );
    try {
      for await (const entry of listEntries(connection, question, timeout, signal)) {
        const whole = await this.#withAllGroups(server, entry, performance.now() + timeout, signal);
        yield this.#userOf(whole, entry.dn);
      }
    } catch (error) {
      throw error instanceof ServerFailure ? authErrorOf([error]) : error;
    } finally {
      connection.close();
    }
  }

  servers(): readonly ServerState[] {
    return this.#list.states();
  }

  async close(): Promise<void> {
    this.#list.close();
    await Promise.all([...this.#servers.values()].map(server => server.close()));
  }

  #searchFirst(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    const question = this.#ask(login, undefined);
    return this.#onServers(signal, async (server, deadline) => {
      const entry = await this.#find(server, question, deadline, signal);
      if (!entry) {
        // The work of a wrong password, so that time does not tell who exists.
        await server.pretend(this.#nobody(), password, deadline, signal);
        throw new AuthError('unknown-user', `no entry matches at ${server.name}`);
      }
      // An empty DN is an anonymous bind, which every password satisfies (RFC 4513 §5.1.1).
      if (entry.dn === '') throw new AuthError('misconfigured', `${server.name} sent an entry without a DN`);
      await server.prove(entry.dn, password, deadline, signal);
      return this.#userOf(entry, login.login);
    });
  }

  #proveFirst(dn: string, login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    const question = this.#ask(login, dn);
    return this.#onServers(signal, async (server, deadline) => {
      if (!this.#config.bind) {
        const entry = onlyOne(await server.proveAndFind(dn, password, question, deadline, signal), question.base);
        if (!entry) throw new AuthError('refused', `${dn} does not match users.filter, or may not read its own entry`);
        if (isRanged(entry, this.#config.users.attributes.groups)) {
          throw new AuthError(
            'misconfigured',
            `${dn} is in more groups than come at once; set bind so that all are read`,
          );
        }
        return this.#userOf(entry, login.login);
      }
      // A refused bind does not say whether there is such a user. The search does; it is made in any case, so that time does not.
      const refusal = await server.prove(dn, password, deadline, signal).then(() => undefined, asRefusal);
      const entry = await this.#find(server, question, deadline, signal);
      if (!entry) throw new AuthError('unknown-user', `no entry ${dn} matches users.filter at ${server.name}`);
      if (refusal) throw refusal;
      return this.#userOf(entry, login.login);
    });
  }

  /** @param dn with `bind_as`, the one entry it may be: what binds as one entry must not become another */
  #ask(login: LoginName, dn: string | undefined): SearchQuestion {
    const { base, scope } = this.#config.users;
    return {
      base: dn ?? base,
      scope: dn === undefined ? scope : 'base',
      filter: FilterParser.parseString(this.#filter.render(login)),
      attributes: this.#attributes,
      sizeLimit: 2,
    };
  }

  async #find(
    server: LdapServer,
    question: SearchQuestion,
    deadline: number,
    signal: AbortSignal,
  ): Promise<LdapEntry | undefined> {
    const entry = onlyOne(await server.find(question, deadline, signal), question.base);
    return entry && this.#withAllGroups(server, entry, deadline, signal);
  }

  #withAllGroups(
    server: LdapServer,
    entry: LdapEntry,
    deadline: number,
    signal: AbortSignal,
  ): LdapEntry | Promise<LdapEntry> {
    const { groups } = this.#config.users.attributes;
    if (!isRanged(entry, groups)) return entry;
    const question = { base: entry.dn, scope: 'base', filter: ANYTHING, sizeLimit: 1 } as const;
    return joinRanges(entry, groups, async range => {
      const [part] = await server.find({ ...question, attributes: [range] }, deadline, signal);
      return part;
    });
  }

  /**
   * Tries the servers in order, each within `timeout`, until one has an answer; an `AuthError` is one. Those that fail are passed over
   * from then on, until a probe in the background finds them well.
   */
  async #onServers<T>(signal: AbortSignal, attempt: (server: LdapServer, deadline: number) => Promise<T>): Promise<T> {
    const failures: ServerFailure[] = [];
    for (const address of this.#list.order()) {
      signal.throwIfAborted();
      const server = this.#servers.get(formatServer(address));
      if (!server) continue;
      try {
        const result = await attempt(server, performance.now() + this.#config.timeout);
        this.#list.succeeded(address);
        return result;
      } catch (error) {
        if (error instanceof AuthError) this.#list.succeeded(address);
        if (!(error instanceof ServerFailure)) throw error;
        failures.push(error);
        // Too many logins at once say nothing against the server.
        if (error.kind === 'busy') continue;
        this.#list.failed(address, error.message);
        server.fail(error);
      }
    }
    throw authErrorOf(failures);
  }

  /** A DN that cannot exist. */
  #nobody(): string {
    const { base } = this.#config.users;
    return `cn=${randomUUID()}${base === '' ? '' : `,${base}`}`;
  }

  #requireSearch(): void {
    if (this.#bindAs && !this.#config.bind) {
      throw new AuthError(
        'misconfigured',
        `directory ${this.name} has bind_as and no service account, so that nobody can be looked up without a password; set bind`,
      );
    }
  }

  #userOf(entry: LdapEntry, fallbackName: string): DirectoryUser {
    return userOf(this.name, entry, this.#config.users.attributes, fallbackName);
  }
}

function isImpossible({ login }: LoginName): boolean {
  return login === '' || login.length > LONGEST_LOGIN;
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
