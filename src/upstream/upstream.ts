import type { ServerState } from '../auth/directory.ts';
import { formatServer, type ServerAddress } from '../config/address.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Capabilities } from '../imap/capabilities.ts';
import type { IdParameters } from '../imap/id.ts';
import type { Channel } from '../net/channel.ts';
import { OutgoingTlsContext } from '../net/outgoing-tls.ts';
import type { ProxiedAddress } from '../net/proxy-protocol.ts';
import type { ReadBuffers } from '../net/read-buffers.ts';
import { ServerList } from '../net/server-list.ts';
import { connectUpstream, type Greeted } from './connect.ts';
import { type CommandResult, findCapabilities } from './dialogue.ts';
import { logInUpstream, type UpstreamIdentity } from './login.ts';
import { UpstreamError } from './upstream-error.ts';

/** A logged-in connection, ready to be joined with the client's. */
export interface UpstreamSession {
  readonly channel: Channel;
  readonly server: string;
  /** What holds after login, as the upstream itself says. */
  readonly capabilities: Capabilities;
  /** Untagged lines that came with the login and that the client must see (RFC 9051 §7.1, ALERT). */
  readonly alerts: readonly Buffer[];
  /** Bytes that came after the login's answer. */
  readonly rest: readonly Buffer[];
}

export interface UpstreamRequest {
  readonly identity: UpstreamIdentity;
  /** The client's address and the address it connected to. */
  readonly client: ProxiedAddress;
  readonly session: string;
}

export interface UpstreamOptions {
  readonly buffers: ReadBuffers;
  readonly onServerChange?: (server: string, up: boolean, reason: string | undefined) => void;
}

type Literals = 'LITERAL+' | 'LITERAL-';

/** One upstream: its servers, what they are known to understand, and logins to them. */
export class Upstream {
  readonly name: string;
  readonly #config: UpstreamConfig;
  readonly #tls: OutgoingTlsContext;
  readonly #buffers: ReadBuffers;
  readonly #servers: ServerList;
  /** What each server said before login, last time it was asked; undefined in the map = it has neither. */
  readonly #literals = new Map<string, Literals | undefined>();
  readonly #closing = new AbortController();

  constructor(name: string, config: UpstreamConfig, options: UpstreamOptions) {
    this.name = name;
    this.#config = config;
    this.#tls = new OutgoingTlsContext(config);
    this.#buffers = options.buffers;
    const { onServerChange } = options;
    this.#servers = new ServerList(config.servers, {
      retry: config.retry,
      probe: server => this.#probe(server),
      ...(onServerChange ? { onChange: (server, up, reason) => onServerChange(formatServer(server), up, reason) } : {}),
    });
  }

  /** Asks every server once what it can; failures are remembered and probed again. */
  async start(): Promise<void> {
    await Promise.all(
      this.#config.servers.map(async server => {
        try {
          await this.#probe(server);
          this.#servers.succeeded(server);
        } catch (error) {
          this.#servers.failed(server, error instanceof Error ? error.message : String(error));
        }
      }),
    );
  }

  /** The literal extension that every server has; undefined while one of them is unknown. */
  literals(): Literals | undefined {
    const known = this.#config.servers.map(server => this.#literals.get(formatServer(server)));
    if (known.some(literals => literals === undefined)) return undefined;
    return known.includes('LITERAL-') ? 'LITERAL-' : 'LITERAL+';
  }

  servers(): readonly ServerState[] {
    return this.#servers.states();
  }

  /** Ends the probes. Logins under way go on. */
  close(): void {
    this.#servers.close();
    this.#closing.abort();
  }

  /**
   * Logs a user in at the first server that answers.
   * @throws UpstreamError; the signal's reason when it was aborted. Nothing stays open then
   */
  async open(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamSession> {
    let last: UpstreamError | undefined;
    for (const server of this.#servers.order()) {
      signal.throwIfAborted();
      try {
        const session = await this.#openAt(server, request, signal);
        this.#servers.succeeded(server);
        return session;
      } catch (error) {
        // What went wrong because the client left says nothing of the server.
        signal.throwIfAborted();
        if (!(error instanceof UpstreamError)) throw error;
        // A refused login is the user's; for everything else the next server may do better.
        if (error.kind === 'refused') throw error;
        // One user's limit must not send everybody else to another server.
        if (!error.onlyThisLogin) this.#servers.failed(server, error.message);
        // Untrusted outranks silent: an administrator must hear of it.
        if (last?.kind !== 'untrusted') last = error;
      }
    }
    throw last ?? new UpstreamError('unavailable', `${this.name}: no server`);
  }

  async #openAt(
    server: ServerAddress,
    { identity, client, session }: UpstreamRequest,
    signal: AbortSignal,
  ): Promise<UpstreamSession> {
    const name = formatServer(server);
    const { dialogue, capabilities } = await this.#connect(server, client, signal);
    const abort = (): void => dialogue.channel.destroy();
    signal.addEventListener('abort', abort);
    try {
      signal.throwIfAborted();
      const id = this.#config.pass_client_address.includes('id') ? clientId(client, session) : undefined;
      const result = await logInUpstream(dialogue, capabilities, this.#config, identity, id);
      const after = findCapabilities(result) ?? (await dialogue.capabilities());
      if (after.has('UNAUTHENTICATE') && !this.#config.allow_unauthenticate) {
        throw new UpstreamError(
          'misconfigured',
          `${name} offers UNAUTHENTICATE, by which a client could log in again past the directory; disable it there, or set allow_unauthenticate`,
          { server: name },
        );
      }
      return {
        channel: dialogue.channel,
        server: name,
        capabilities: after,
        alerts: alertsOf(result),
        rest: dialogue.takeRest(),
      };
    } catch (error) {
      dialogue.channel.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #connect(server: ServerAddress, client: ProxiedAddress | undefined, signal: AbortSignal): Promise<Greeted> {
    const greeted = await connectUpstream(server, {
      config: this.#config,
      tls: this.#tls,
      buffers: this.#buffers,
      client,
      signal,
    });
    const { capabilities } = greeted;
    this.#literals.set(
      formatServer(server),
      capabilities.has('LITERAL+') ? 'LITERAL+' : capabilities.has('LITERAL-') ? 'LITERAL-' : undefined,
    );
    return greeted;
  }

  async #probe(server: ServerAddress): Promise<void> {
    const { dialogue } = await this.#connect(server, undefined, this.#closing.signal);
    try {
      await dialogue.command('LOGOUT');
    } catch {
      // It has greeted; how it takes its leave says nothing.
    } finally {
      dialogue.channel.destroy();
    }
  }
}

const CRLF = Buffer.from('\r\n');
const STAR = Buffer.from('*');

/** ALERTs as untagged lines: the tagged answer to our login is not the one that the client gets. */
function alertsOf({ tagged, untagged }: CommandResult): readonly Buffer[] {
  return [...untagged, tagged]
    .filter(({ code }) => code?.toUpperCase() === 'ALERT')
    .map(({ tag, line }) => Buffer.concat([STAR, line.subarray(tag.length), CRLF]));
}

/** The fields by which Dovecot and others take the client's address from a trusted proxy. */
function clientId({ source, destination }: ProxiedAddress, session: string): IdParameters {
  const fields = new Map([['x-session-id', session]]);
  // A client of a unix socket has no address.
  if (source.address !== '') {
    fields.set('x-originating-ip', source.address).set('x-originating-port', String(source.port));
    fields.set('x-connected-ip', destination.address).set('x-connected-port', String(destination.port));
  }
  return fields.set('x-proxy-ttl', '5');
}
