import { formatServer, type ServerAddress } from '../config/address.ts';

export interface ServerListOptions {
  /** Milliseconds between probes of a server that failed. */
  readonly retry: number;
  /** Resolves when the server is fit to be used again; rejects otherwise. Must end by itself. */
  readonly probe: (server: ServerAddress) => Promise<void>;
  /** Told of every change, once. */
  readonly onChange?: (server: ServerAddress, up: boolean, reason: string | undefined) => void;
}

type State = 'unknown' | 'up' | 'down';

interface Entry {
  readonly address: ServerAddress;
  state: State;
  reason: string | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Servers in order of preference with a memory of the dead. A server that failed is passed over until a probe of it
 * succeeds, so that no user waits for a dead one while another answers; then it takes its place in the order again.
 */
export class ServerList {
  #entries: readonly Entry[];
  readonly #options: ServerListOptions;
  #closed = false;

  constructor(servers: readonly ServerAddress[], options: ServerListOptions) {
    this.#entries = servers.map(unknown);
    this.#options = options;
  }

  /** Other servers, or another order. What is known of those that stay is kept; the others are no longer probed. */
  update(servers: readonly ServerAddress[]): void {
    const before = this.#entries;
    this.#entries = servers.map(address => this.#find(address) ?? unknown(address));
    for (const entry of before) if (!this.#entries.includes(entry)) clearTimeout(entry.timer);
  }

  /** Whom to try, in order: first those not known to be down, then, as a last resort, the others. */
  order(): readonly ServerAddress[] {
    const alive = this.#entries.filter(entry => entry.state !== 'down');
    const ordered =
      alive.length === this.#entries.length
        ? alive
        : [...alive, ...this.#entries.filter(entry => entry.state === 'down')];
    return ordered.map(entry => entry.address);
  }

  states(): readonly { server: string; state: State; reason?: string }[] {
    return this.#entries.map(({ address, state, reason }) => ({
      server: formatServer(address),
      state,
      ...(reason === undefined ? {} : { reason }),
    }));
  }

  succeeded(server: ServerAddress): void {
    const entry = this.#find(server);
    if (!entry) return;
    clearTimeout(entry.timer);
    entry.timer = undefined;
    this.#change(entry, 'up', undefined);
  }

  failed(server: ServerAddress, reason: string): void {
    const entry = this.#find(server);
    if (!entry || this.#closed) return;
    this.#change(entry, 'down', reason);
    entry.timer ??= this.#probeLater(entry);
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries) clearTimeout(entry.timer);
  }

  #probeLater(entry: Entry): NodeJS.Timeout {
    const timer = setTimeout(async () => {
      try {
        await this.#options.probe(entry.address);
        if (!this.#closed) this.succeeded(entry.address);
      } catch (error) {
        if (this.#closed || entry.timer !== timer || !this.#entries.includes(entry)) return;
        entry.reason = error instanceof Error ? error.message : String(error);
        entry.timer = this.#probeLater(entry);
      }
    }, this.#options.retry);
    return timer.unref();
  }

  #change(entry: Entry, state: 'up' | 'down', reason: string | undefined): void {
    const changed = entry.state !== state && !(entry.state === 'unknown' && state === 'up');
    entry.state = state;
    entry.reason = reason;
    if (changed) this.#options.onChange?.(entry.address, state === 'up', reason);
  }

  #find(server: ServerAddress): Entry | undefined {
    return this.#entries.find(({ address }) => address.host === server.host && address.port === server.port);
  }
}

function unknown(address: ServerAddress): Entry {
  return { address, state: 'unknown', reason: undefined, timer: undefined };
}
