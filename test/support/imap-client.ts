import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

export interface ImapClientOptions {
  readonly port: number;
  readonly host?: string;
  /** Address to connect from: any of 127.0.0.0/8 on Linux. */
  readonly localAddress?: string;
  readonly tls?: 'none' | 'implicit' | 'starttls';
  /** Options of tls.connect. Default: the server is not verified. */
  readonly tlsOptions?: ConnectionOptions;
  /** Sends these bytes first, before TLS: a PROXY header. */
  readonly preamble?: Uint8Array | string;
  /** Writes every byte by itself. */
  readonly byteByByte?: boolean;
  /** Milliseconds that any wait for the server may take. Default 10,000. */
  readonly timeout?: number;
}

/** A command's answer: lines without their CRLF, literals in place after the line break of their `{n}`. */
export interface Answer {
  readonly tagged: string;
  readonly untagged: readonly string[];
}

interface Waiter {
  readonly wake: () => void;
}

/**
 * A raw IMAP client for tests: says exactly what it is told and hides nothing. Text is latin1, so that a character is a byte. A
 * response that holds literals is one line here (its `{n}` CRLF bytes included).
 */
export class ImapClient {
  readonly #options: ImapClientOptions;
  #socket: Socket;
  readonly #received = new ReceivedBytes();
  #ended = false;
  #tags = 0;
  #waiters: Waiter[] = [];
  #greeting = '';
  #error: Error | undefined;
  readonly #closed = Promise.withResolvers<void>();

  private constructor(socket: Socket, options: ImapClientOptions) {
    this.#options = options;
    this.#socket = socket;
  }

  /** Connects and reads the greeting; with STARTTLS also goes through that. @throws when the server does not greet */
  static async connect(options: ImapClientOptions): Promise<ImapClient> {
    const { host = '127.0.0.1', port, localAddress, tls = 'none', preamble } = options;
    const tcp = connectTcp({ host, port, ...(localAddress ? { localAddress } : {}) });
    tcp.setNoDelay(true);
    if (preamble !== undefined) tcp.write(preamble);
    const socket = tls === 'implicit' ? secure(tcp, options) : tcp;
    const client = new ImapClient(socket, options);
    client.#listen(socket);
    client.#greeting = await client.readLine();
    if (tls === 'starttls') await client.startTls();
    return client;
  }

  get greeting(): string {
    return this.#greeting;
  }

  /** The connection itself, for what this client does not do (pause, resume, destroy). */
  get socket(): Socket {
    return this.#socket;
  }

  /** The TLS side of the connection. @throws without TLS */
  get tls(): TLSSocket {
    const socket = this.#socket;
    if (!isTls(socket)) throw new Error('this connection has no TLS');
    return socket;
  }

  /** Resolves when the connection is closed, for whatever reason. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async startTls(): Promise<void> {
    const { tagged } = await this.command('STARTTLS');
    if (!/ OK/i.test(tagged)) throw new Error(`STARTTLS was refused: ${tagged}`);
    await this.handshake();
  }

  /** TLS from here on, after the server has agreed to it. */
  async handshake(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    this.#socket = secure(plain, this.#options);
    const secured = new Promise<void>((resolve, reject) => {
      this.#socket.once('secureConnect', resolve);
      this.#socket.once('error', reject);
      this.#socket.once('close', () => reject(new Error('closed during the TLS handshake')));
    });
    this.#listen(this.#socket);
    await secured;
  }

  /** Sends bytes as they are. Resolves when they are handed to the kernel. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    if (!this.#options.byteByByte) return this.#writeOnce(bytes);
    for (const byte of bytes) await this.#writeOnce(Uint8Array.of(byte));
  }

  /** Sends a line; CRLF is added. */
  async send(line: string): Promise<void> {
    await this.write(`${line}\r\n`);
  }

  /**
   * Sends a command under a tag of its own and collects everything up to its answer. Literals: a part that ends in `{n}` waits for the
   * server's "+" before the next part is sent; after `{n+}` it does not.
   */
  async command(...parts: readonly (string | Uint8Array)[]): Promise<Answer> {
    this.#tags += 1;
    const tag = `t${this.#tags}`;
    const untagged: string[] = [];
    await this.write(`${tag} `);
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      await this.write(part);
      const text = Buffer.from(part).subarray(-24).toString('latin1');
      const opensLiteral = typeof part === 'string' && /\{\d+\+?\}$/.test(text);
      if (last || opensLiteral) await this.write('\r\n');
      if (last || !/\{\d+\}$/.test(text) || !opensLiteral) continue;
      for (;;) {
        const line = await this.readLine();
        if (line.startsWith('+')) break;
        if (line.startsWith(`${tag} `)) return { tagged: line, untagged };
        untagged.push(line);
      }
    }
    return this.answerTo(tag, untagged);
  }

  /** Reads up to the answer with this tag. */
  async answerTo(tag: string, untagged: string[] = []): Promise<Answer> {
    for (;;) {
      const line = await this.readLine();
      if (line.startsWith(`${tag} `)) return { tagged: line, untagged };
      untagged.push(line);
    }
  }

  /** The next response, its literals included. @throws when the connection ends or stays silent first */
  async readLine(): Promise<string> {
    return this.#take(received => responseEnd(received), 'a line');
  }

  /** Everything up to and including the first match in the bytes not yet read. */
  async waitFor(pattern: RegExp): Promise<string> {
    return this.#take(received => {
      const match = pattern.exec(received.joined().toString('latin1'));
      return match ? match.index + match[0].length : undefined;
    }, String(pattern));
  }

  /** The next `count` bytes. */
  async readBytes(count: number): Promise<Buffer> {
    return Buffer.from(
      await this.#take(received => (received.length >= count ? count : undefined), `${count} bytes`),
      'latin1',
    );
  }

  /** What has arrived and was not read yet. */
  get unread(): string {
    return this.#received.joined().toString('latin1');
  }

  /** Reads until the server closes; returns what was left. */
  async readToEnd(): Promise<string> {
    return this.#take(received => (this.#ended ? received.length : undefined), 'the end of the connection', true);
  }

  /** Closes without LOGOUT. */
  close(): void {
    this.#socket.destroy();
  }

  async logout(): Promise<void> {
    await this.command('LOGOUT');
    this.close();
  }

  #writeOnce(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, error => (error ? reject(error) : resolve()));
    });
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#received.add(chunk);
      this.#wakeAll();
    });
    socket.on('error', error => {
      this.#error = error;
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wakeAll();
    });
    socket.on('close', () => {
      this.#ended = true;
      this.#closed.resolve();
      this.#wakeAll();
    });
  }

  #wakeAll(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.wake();
  }

  async #take(
    length: (received: ReceivedBytes) => number | undefined,
    what: string,
    endIsFine = false,
  ): Promise<string> {
    const { timeout = 10_000 } = this.#options;
    const deadline = performance.now() + timeout;
    for (;;) {
      const count = length(this.#received);
      if (count !== undefined) {
        const text = this.#received.take(count).toString('latin1');
        return what === 'a line' ? text.replace(/\r\n$/, '') : text;
      }
      if (this.#ended && !endIsFine) {
        throw new Error(
          `the connection ended, waiting for ${what}; unread: ${JSON.stringify(this.unread.slice(0, 200))}`,
          {
            cause: this.#error,
          },
        );
      }
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new Error(
          `nothing in ${timeout} ms, waiting for ${what}; unread: ${JSON.stringify(this.unread.slice(0, 200))}`,
        );
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left);
        this.#waiters.push({
          wake: () => {
            clearTimeout(timer);
            resolve();
          },
        });
      });
    }
  }
}

/** Bytes that arrived, joined only when somebody looks at them: a literal of 50 MB arrives in thousands of pieces. */
class ReceivedBytes {
  #chunks: Buffer[] = [];
  length = 0;
  /** Known to hold no whole response below this length. */
  awaited = 0;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  joined(): Buffer {
    const [first = Buffer.alloc(0), ...rest] = this.#chunks;
    if (rest.length === 0) return first;
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }

  take(count: number): Buffer {
    const whole = this.joined();
    this.#chunks = [whole.subarray(count)];
    this.length -= count;
    this.awaited = 0;
    return whole.subarray(0, count);
  }
}

/** Length of the first whole response, literals and last CRLF included; undefined when it is not whole yet. */
function responseEnd(received: ReceivedBytes): number | undefined {
  if (received.length < received.awaited) return undefined;
  const buffer = received.joined();
  let start = 0;
  for (;;) {
    const end = buffer.indexOf('\r\n', start);
    if (end === -1) {
      received.awaited = Math.max(start, received.length) + 1;
      return undefined;
    }
    const literal = /\{(\d+)\}$/.exec(buffer.toString('latin1', Math.max(start, end - 24), end));
    start = end + 2;
    if (!literal) return start;
    start += Number(literal[1]);
  }
}

function secure(socket: Socket, { tlsOptions, host }: ImapClientOptions): TLSSocket {
  return connectTls({ socket, servername: host ?? 'localhost', rejectUnauthorized: false, ...tlsOptions });
}

function isTls(socket: Socket): socket is TLSSocket {
  return 'encrypted' in socket;
}
