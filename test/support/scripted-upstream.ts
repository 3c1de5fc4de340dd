import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { until } from './processes.ts';

/** What Postern learns when it starts and asks each server what it can. */
const PROBED = '* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL+] ready';

/**
 * A mail server in clear that says only what a test tells it. The first connection of each Postern is its look at what the server
 * can, and is answered without the test; all others wait for their lines.
 */
export class ScriptedUpstream {
  readonly #server: Server;
  readonly #onConnection: ((connection: UpstreamConnection) => void) | undefined;
  #sockets = new Set<Socket>();
  #connections: UpstreamConnection[] = [];
  #probes = 0;
  #probed: string = PROBED;

  private constructor(onConnection: ((connection: UpstreamConnection) => void) | undefined) {
    this.#onConnection = onConnection;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => this.#accept(socket));
  }

  /** @param onConnection serves each connection by itself, instead of `connection` */
  static async start(onConnection?: (connection: UpstreamConnection) => void): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(onConnection);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('this upstream does not listen');
    return address.port;
  }

  /** Expects one more Postern, which will look first. Resolves when it has been told `greeting`. */
  expectProbe(greeting = PROBED): () => Promise<void> {
    this.#probes += 1;
    this.#probed = greeting;
    return () => until('Postern looks at the upstream', () => this.#probes === 0);
  }

  /** The n-th connection since `forget`, counted from 0, waiting for it. */
  async connection(index: number): Promise<UpstreamConnection> {
    await until(`connection ${index} to the upstream`, () => this.#connections.length > index);
    const found = this.#connections[index];
    if (!found) throw new Error('unreachable: it was waited for');
    return found;
  }

  get connections(): readonly UpstreamConnection[] {
    return this.#connections;
  }

  /** Closes what is open and begins to count afresh. */
  forget(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#connections = [];
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    if (this.#probes > 0) {
      void this.#answerProbe(new UpstreamConnection(socket));
      return;
    }
    const connection = new UpstreamConnection(socket);
    this.#connections.push(connection);
    this.#onConnection?.(connection);
  }

  async #answerProbe(connection: UpstreamConnection): Promise<void> {
    await connection.write(`${this.#probed}\r\n`);
    for (;;) {
      const [tag = '', name = ''] = (await connection.readLine().catch(() => '')).split(' ');
      if (name === 'CAPABILITY') {
        await connection.write(`* CAPABILITY IMAP4rev1\r\n${tag} OK done\r\n`);
        continue;
      }
      if (name === 'LOGOUT') await connection.write(`* BYE bye\r\n${tag} OK done\r\n`);
      connection.destroy();
      this.#probes -= 1;
      return;
    }
  }
}

/** One connection of Postern's, as its mail server sees it. Text is latin1, so that a character is a byte. */
export class UpstreamConnection {
  readonly socket: Socket;
  /** Bytes received in all. */
  bytesIn = 0;
  #received = '';
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.bytesIn += chunk.length;
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** What has arrived and was not read. */
  get unread(): string {
    return this.#received;
  }

  /** Without its line end. @throws when the connection ends or nothing comes */
  async readLine(timeoutMs = 10_000): Promise<string> {
    const end = await this.#await(() => this.#received.indexOf('\r\n'), 'a line', timeoutMs);
    return this.#take(end + 2).slice(0, -2);
  }

  async readBytes(count: number, timeoutMs = 10_000): Promise<string> {
    await this.#await(() => (this.#received.length >= count ? count : -1), `${count} bytes`, timeoutMs);
    return this.#take(count);
  }

  /** Resolves when the other side has ended. @throws when it does not */
  async ended(timeoutMs = 10_000): Promise<void> {
    await this.#await(() => (this.#ended ? 0 : -1), 'the end', timeoutMs);
  }

  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(Buffer.from(text, 'latin1'), error => (error ? reject(error) : resolve()));
    });
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #await(find: () => number, what: string, timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = find();
      if (found >= 0) return found;
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) {
        const why = this.#ended ? 'the connection ended' : `nothing in ${timeoutMs} ms`;
        throw new Error(`${why}, waiting for ${what}; unread: ${JSON.stringify(this.#received.slice(0, 200))}`);
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #take(count: number): string {
    const taken = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return taken;
  }
}
