import { formatServer, type ServerAddress } from '../../config/address.ts';
import { OutgoingTlsContext } from '../../net/outgoing-tls.ts';
import { ServerList } from '../../net/server-list.ts';
import type { Logger } from '../../observe/log.ts';
import { AuthError, type ServerState } from '../directory.ts';
import { authErrorOf, ServerFailure } from './failure.ts';
import { LdapServer, type LdapServerConfig } from './server.ts';

/** Where the servers are: what the configuration names, or what is found by asking. */
export interface ServerSource {
  /** In order of preference. The same object as before as long as nothing has changed. @throws ServerFailure when none is known */
  servers(): Promise<readonly ServerAddress[]>;
  close(): void;
}

export interface ServersOptions {
  readonly log: Logger;
  /** Told when a server fails, and when it is used again. */
  readonly onServerChange?: (server: string, up: boolean, reason?: string) => void;
}

/** The servers of one directory, with their pools: whom to ask, and who is passed over for now. */
export class Servers {
  readonly #directory: string;
  readonly #config: LdapServerConfig;
  readonly #source: ServerSource;
  readonly #context: OutgoingTlsContext;
  readonly #options: ServersOptions;
  readonly #list: ServerList;
  readonly #servers = new Map<string, LdapServer>();
  /** Pools of servers that are no longer ours, until their last operation has ended. */
  readonly #leaving = new Set<Promise<void>>();
  #known: readonly ServerAddress[] = [];
  #closed = false;

  constructor(directory: string, config: LdapServerConfig, source: ServerSource, options: ServersOptions) {
    this.#directory = directory;
    this.#config = config;
    this.#source = source;
    this.#options = options;
    this.#context = new OutgoingTlsContext(config);
    this.#list = new ServerList([], {
      retry: config.retry,
      probe: async address => this.#servers.get(formatServer(address))?.probe(),
      onChange: (address, up, reason) => this.#changed(formatServer(address), up, reason),
    });
    if (source instanceof NamedServers) this.#adopt(source.addresses);
  }

  /**
   * Tries the servers in order, each within `timeout`, until one has an answer; an `AuthError` is one. Those that fail are passed over
   * from then on, until a probe in the background finds them well.
   * @throws AuthError, or the signal's reason
   */
  async try<T>(signal: AbortSignal, attempt: (server: LdapServer, deadline: number) => Promise<T>): Promise<T> {
    const failures: ServerFailure[] = [];
    for (const address of await this.#order()) {
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

  states(): readonly ServerState[] {
    return this.#list.states();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#source.close();
    this.#list.close();
    await Promise.all([...[...this.#servers.values()].map(server => server.close()), ...this.#leaving]);
  }

  async #order(): Promise<readonly ServerAddress[]> {
    if (this.#source instanceof NamedServers) return this.#list.order();
    try {
      const addresses = await this.#source.servers();
      if (addresses !== this.#known && !this.#closed) this.#adopt(addresses);
    } catch (error) {
      throw error instanceof ServerFailure ? authErrorOf([error]) : error;
    }
    return this.#list.order();
  }

  #adopt(addresses: readonly ServerAddress[]): void {
    this.#known = addresses;
    this.#list.update(addresses);
    const names = new Set(addresses.map(formatServer));
    for (const [name, server] of this.#servers) {
      if (names.has(name)) continue;
      this.#servers.delete(name);
      const left = server.close().finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
    for (const address of addresses) {
      const name = formatServer(address);
      if (!this.#servers.has(name)) this.#servers.set(name, new LdapServer(address, this.#config, this.#context));
    }
  }

  #changed(server: string, up: boolean, reason: string | undefined): void {
    const { log, onServerChange } = this.#options;
    if (up) log.info({ directory: this.#directory, server }, 'directory server is back');
    else log.warn({ directory: this.#directory, server, reason }, 'directory server failed');
    onServerChange?.(server, up, reason);
  }
}

/** Servers by their names in the configuration. */
export class NamedServers implements ServerSource {
  readonly addresses: readonly ServerAddress[];

  constructor(addresses: readonly ServerAddress[]) {
    this.addresses = addresses;
  }

  async servers(): Promise<readonly ServerAddress[]> {
    return this.addresses;
  }

  close(): void {}
}
