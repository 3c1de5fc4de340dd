import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

interface Pending {
  readonly tag: string;
  /** What the line must have. */
  readonly word: string;
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A client that costs little, since it shares the machine with the servers it drives: reads lines, counts the bytes of literals
 * without keeping them. One command at a time.
 */
export class BenchClient {
  /** Bytes of literals received. */
  literalBytes = 0;
  readonly #socket: Socket;
  #partial = '';
  #literalLeft = 0;
  #tags = 0;
  #pending: Pending | undefined;
  #closed = false;
  readonly #end = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', error => this.#fail(error));
    socket.on('close', () => {
      this.#closed = true;
      this.#fail(new Error('the server closed the connection'));
      this.#end.resolve();
    });
  }

  /** Connects over TLS with a full handshake and reads the greeting. The servers' certificate is our own: not verified. */
  static async connect(port: number): Promise<BenchClient> {
    const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false });
    socket.setNoDelay(true);
    const client = new BenchClient(socket);
    await client.#expect('*');
    return client;
  }

  async login(user: string, password: string): Promise<void> {
    await this.command(`LOGIN ${user} ${password}`);
  }

  /** Resolves with the tagged OK. @throws on NO, BAD or a lost connection */
  async command(text: string): Promise<string> {
    this.#tags += 1;
    const tag = `b${this.#tags}`;
    const answer = this.#expect(tag);
    this.#socket.write(`${tag} ${text}\r\n`);
    const line = await answer;
    if (!line.startsWith(`${tag} OK`)) throw new Error(`${text.split(' ', 1)[0]}: ${line}`);
    return line;
  }

  /** Stores a message without waiting to be asked for it. */
  async append(mailbox: string, message: Uint8Array): Promise<string> {
    this.#tags += 1;
    const tag = `b${this.#tags}`;
    const answer = this.#expect(tag);
    this.#socket.cork();
    this.#socket.write(`${tag} APPEND ${mailbox} {${message.length}+}\r\n`);
    this.#socket.write(message);
    this.#socket.write('\r\n');
    this.#socket.uncork();
    const line = await answer;
    if (!line.startsWith(`${tag} OK`)) throw new Error(`APPEND: ${line}`);
    return line;
  }

  /** From now on the server may speak. Resolves when it has agreed. */
  async idle(): Promise<void> {
    const agreed = this.#expect('+');
    this.#socket.write('i IDLE\r\n');
    await agreed;
  }

  /** The next untagged response that has this word, in IDLE. */
  hears(word: string): Promise<string> {
    return this.#expect('*', word);
  }

  async logout(): Promise<void> {
    await this.command('LOGOUT');
    this.#socket.end();
    await this.#end.promise;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #expect(tag: string, word = ''): Promise<string> {
    if (this.#closed) return Promise.reject(new Error('the connection is closed'));
    return new Promise((resolve, reject) => {
      this.#pending = { tag, word, resolve, reject };
    });
  }

  #fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error);
  }

  #read(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#literalLeft > 0) {
        const here = Math.min(this.#literalLeft, chunk.length - position);
        this.#literalLeft -= here;
        this.literalBytes += here;
        position += here;
        continue;
      }
      const end = chunk.indexOf(10, position);
      if (end === -1) {
        this.#partial += chunk.toString('latin1', position);
        return;
      }
      const line = this.#partial + chunk.toString('latin1', position, end);
      this.#partial = '';
      position = end + 1;
      this.#line(line.trimEnd());
    }
  }

  #line(line: string): void {
    const literal = line.endsWith('}') ? /\{(\d+)\}$/.exec(line) : null;
    if (literal) this.#literalLeft = Number(literal[1]);
    else if (this.#pending && line.startsWith(`${this.#pending.tag} `) && line.includes(this.#pending.word)) {
      const { resolve } = this.#pending;
      this.#pending = undefined;
      resolve(line);
    }
  }
}

/** Does `count` jobs, `concurrency` at a time. */
export async function inParallel(
  count: number,
  concurrency: number,
  job: (index: number, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (_: unknown, number: number) => {
    while (next < count) {
      const index = next;
      next += 1;
      await job(index, number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, concurrency) }, worker));
}
