import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { type Endpoint, formatEndpoint } from '../config/address.ts';
import type { ListenerConfig } from '../config/schema.ts';
import { Listener, type ListenerOptions } from '../net/listener.ts';

interface Open {
  readonly config: ListenerConfig;
  readonly listener: Listener;
  readonly bound: Endpoint;
}

/** The addresses listened on, kept in step with the configuration. */
export class Listening {
  readonly #options: Omit<ListenerOptions, 'config' | 'sockets'>;
  readonly #sockets = new Set<Socket>();
  #open: readonly Open[] = [];

  constructor(options: Omit<ListenerOptions, 'config' | 'sockets'>) {
    this.#options = options;
  }

  /** Where clients can connect, by the listener's name. */
  get bound(): readonly { name: string; address: string; tls: ListenerConfig['tls'] }[] {
    return this.#open.map(({ config, listener, bound }) => ({
      name: listener.name,
      address: formatEndpoint(bound),
      tls: config.tls,
    }));
  }

  /**
   * Opens what is new, then closes what is gone; connections go on in any case. A listener that changes without moving takes its
   * address over: that one address refuses connections for a moment.
   * @throws when an address cannot be listened on; what could be opened before is closed again and nothing has changed
   */
  async apply(configs: readonly ListenerConfig[]): Promise<void> {
    const kept = this.#open.filter(({ config }) => configs.some(wanted => isDeepStrictEqual(wanted, config)));
    const gone = this.#open.filter(open => !kept.includes(open));
    const fresh = configs.filter(wanted => !kept.some(({ config }) => isDeepStrictEqual(wanted, config)));
    const moving = gone.filter(({ config }) => fresh.some(wanted => isDeepStrictEqual(wanted.address, config.address)));
    for (const { listener } of moving) await listener.close();
    const opened: Open[] = [];
    try {
      for (const config of fresh) opened.push(await this.#openOne(config));
    } catch (error) {
      await Promise.all(opened.map(({ listener }) => listener.close()));
      const restored = await Promise.allSettled(moving.map(({ config }) => this.#openOne(config)));
      const back = restored.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
      this.#open = [...this.#open.filter(open => !moving.includes(open)), ...back];
      throw error;
    }
    await Promise.all(gone.filter(open => !moving.includes(open)).map(({ listener }) => listener.close()));
    this.#open = [...kept, ...opened];
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map(({ listener }) => listener.close()));
    this.#open = [];
  }

  /** Cuts every connection that is left, handshakes under way included. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #openOne(config: ListenerConfig): Promise<Open> {
    const listener = new Listener({ ...this.#options, config, sockets: this.#sockets });
    try {
      return { config, listener, bound: await listener.listen() };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot listen on ${formatEndpoint(config.address)}: ${reason}`, { cause: error });
    }
  }
}
