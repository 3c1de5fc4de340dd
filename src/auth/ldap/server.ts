import { FilterParser } from 'ldapts';
import { formatServer, type ServerAddress } from '../../config/address.ts';
import type { LdapConfig } from '../../config/schema.ts';
import type { OutgoingTlsContext } from '../../net/outgoing-tls.ts';
import { AuthError } from '../directory.ts';
import { Connection, type SearchQuestion } from './connection.ts';
import type { Asking } from './dialect.ts';
import type { ServerFailure } from './failure.ts';
import { listEntries } from './listing.ts';
import { Pool } from './pool.ts';
import type { LdapEntry } from './response.ts';
import { judgeSearch, judgeServiceBind, judgeUserBind, saysMoreEntries, saysNoSuchEntry } from './result-codes.ts';
import { openSocket } from './transport.ts';

/** "Is anybody there?": the root DSE (RFC 4512 §5.1), without attributes. */
const PROBE: SearchQuestion = {
  base: '',
  scope: 'base',
  filter: FilterParser.parseString('(objectClass=*)'),
  attributes: ['1.1'],
  sizeLimit: 1,
};

/** What concerns a single server. */
export type LdapServerConfig = Omit<LdapConfig, 'kind' | 'servers' | 'users' | 'bind_as'>;

/** Most entries of one question that is not a listing: nobody is in more groups. */
const MOST_ENTRIES = 20_000;

/**
 * One server of a directory: searches as the service account on one pool, and proves passwords on another, whose connections are
 * bound as whoever was there last and therefore never search for us.
 */
export class LdapServer {
  readonly address: ServerAddress;
  readonly name: string;
  readonly #config: LdapServerConfig;
  readonly #context: OutgoingTlsContext;
  readonly #searching: Pool;
  readonly #proving: Pool;

  constructor(address: ServerAddress, config: LdapServerConfig, context: OutgoingTlsContext) {
    this.address = address;
    this.name = formatServer(address);
    this.#config = config;
    this.#context = context;
    const size = config.pool;
    this.#searching = new Pool({ size, open: () => this.openForSearch() });
    this.#proving = new Pool({ size, open: () => this.#open(performance.now() + config.timeout) });
  }

  /** Questions asked as the service account. @param deadline of all of them together */
  asking(deadline: number, signal: AbortSignal): Asking {
    const ask = <T>(work: (connection: Connection) => Promise<T>) => this.#searching.use(work, deadline, signal);
    return {
      server: this.name,
      find: question => ask(connection => this.#ask(connection, question, deadline)),
      all: question => ask(connection => this.#askAll(connection, question, deadline, signal)),
    };
  }

  /** Proves a password by binding. @throws AuthError, ServerFailure, or the signal's reason */
  prove(dn: string, password: string, deadline: number, signal: AbortSignal): Promise<void> {
    return this.#proving.use(
      async connection => judgeUserBind(await connection.bind(dn, password, deadline), dn, this.name),
      deadline,
      signal,
    );
  }

  /** Proves a password, and lets the user read what is theirs: questions are asked on the same connection, one after the other. */
  proveAndAsk<T>(
    dn: string,
    password: string,
    read: (asking: Asking) => Promise<T>,
    deadline: number,
    signal: AbortSignal,
  ): Promise<T> {
    return this.#proving.use(
      async connection => {
        judgeUserBind(await connection.bind(dn, password, deadline), dn, this.name);
        return read({
          server: this.name,
          find: question => this.#ask(connection, question, deadline),
          all: question => this.#askAll(connection, question, deadline, signal),
        });
      },
      deadline,
      signal,
    );
  }

  /** A bind whose refusal means nothing: the work that a wrong password would be. @throws ServerFailure */
  async pretend(dn: string, password: string, deadline: number, signal: AbortSignal): Promise<void> {
    try {
      await this.prove(dn, password, deadline, signal);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
    }
  }

  /**
   * A connection of one's own, bound as the service account, for a listing: the pages of one search belong to one connection.
   * @throws ServerFailure
   */
  async openForSearch(): Promise<Connection> {
    const deadline = performance.now() + this.#config.timeout;
    const connection = await this.#open(deadline);
    const { bind } = this.#config;
    if (!bind) return connection;
    try {
      judgeServiceBind(await connection.bind(bind.dn, bind.password, deadline), bind.dn, this.name);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Whether it can be used again: connects, secures, binds, and asks something where the bind would not. @throws ServerFailure */
  async probe(): Promise<void> {
    const connection = await this.openForSearch();
    if (!this.#config.bind) {
      try {
        await connection.search(PROBE, performance.now() + this.#config.timeout);
      } catch (error) {
        connection.close();
        throw error;
      }
    }
    this.#searching.adopt(connection);
  }

  /** It failed: whoever waits for it goes on to the next, and its unused connections are closed. */
  fail(failure: ServerFailure): void {
    this.#searching.fail(failure);
    this.#proving.fail(failure);
  }

  async close(): Promise<void> {
    await Promise.all([this.#searching.close(), this.#proving.close()]);
  }

  async #open(deadline: number): Promise<Connection> {
    const socket = await openSocket(this.address, this.#config.tls, this.#context, deadline);
    return new Connection(socket, this.name, performance.now());
  }

  async #ask(connection: Connection, question: SearchQuestion, deadline: number): Promise<readonly LdapEntry[]> {
    const { result, entries } = await connection.search(question, deadline);
    // A user's DN that is not there is no fault of the configuration, as a missing search base is.
    if (question.scope === 'base' && saysNoSuchEntry(result)) return [];
    judgeSearch(result, question.base, this.name);
    if (saysMoreEntries(result) && entries.length < question.sizeLimit) {
      throw new AuthError(
        'misconfigured',
        `${this.name} sends at most ${entries.length} entries to us, so that nobody can be told to be the only match; raise its size limit`,
      );
    }
    return entries;
  }

  async #askAll(
    connection: Connection,
    question: SearchQuestion,
    deadline: number,
    signal: AbortSignal,
  ): Promise<readonly LdapEntry[]> {
    const entries: LdapEntry[] = [];
    for await (const entry of listEntries(connection, question, Math.max(0, deadline - performance.now()), signal)) {
      entries.push(entry);
      if (entries.length > MOST_ENTRIES) {
        throw new AuthError(
          'misconfigured',
          `${this.name}: more than ${MOST_ENTRIES} entries match below ${question.base}`,
        );
      }
    }
    return entries;
  }
}
