import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on loopback that keeps every byte of both directions, and can stand still or cut. */
export class RecordingProxy {
  readonly port: number;
  /** Connections accepted so far. */
  connections = 0;
  readonly #server: Server;
  readonly #toServer: Buffer[] = [];
  readonly #toClient: Buffer[] = [];
  readonly #sockets = new Set<Socket>();
  #frozen = false;
  #cutAfterAnswer = Number.POSITIVE_INFINITY;
  #cutAfterRequest = Number.POSITIVE_INFINITY;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: { port: number; host?: string }): Promise<RecordingProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const proxy = new RecordingProxy(server, typeof address === 'object' && address ? address.port : 0);
    server.on('connection', client => proxy.#accept(client, connect({ host: '127.0.0.1', ...target })));
    return proxy;
  }

  /** All bytes that clients sent. */
  get sent(): Buffer {
    return Buffer.concat(this.#toServer);
  }

  /** All bytes that the server answered. */
  get answered(): Buffer {
    return Buffer.concat(this.#toClient);
  }

  /** Closes each further connection once the server's answers on it have come to so many bytes, which still get through. */
  cutAfterAnswer(bytes: number): void {
    this.#cutAfterAnswer = bytes;
  }

  /** The same with what the client sends. */
  cutAfterRequest(bytes: number): void {
    this.#cutAfterRequest = bytes;
  }

  /** Accepts connections and moves nothing. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Cuts all connections, as a middlebox does. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket, server: Socket): void {
    this.connections += 1;
    for (const [from, to, record, limit] of [
      [client, server, this.#toServer, this.#cutAfterRequest],
      [server, client, this.#toClient, this.#cutAfterAnswer],
    ] as const) {
      let moved = 0;
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        const part = chunk.subarray(0, limit - moved);
        moved += part.length;
        record.push(part);
        to.write(part);
        if (moved < limit) return;
        to.destroySoon();
        from.destroy();
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroySoon();
      });
      if (this.#frozen) from.pause();
    }
  }
}
