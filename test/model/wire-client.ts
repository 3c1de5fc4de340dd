import type { Socket } from 'node:net';

/** Speaks IMAP over a socket for a model: hands on every untagged response as it comes, one command at a time. */
export class WireClient {
  readonly #socket: Socket;
  readonly #hear: (line: string) => void;
  #received = '';
  #tags = 0;
  #waiting: { readonly fits: (line: string) => boolean; readonly answer: PromiseWithResolvers<string> } | undefined;
  #fault: Error | undefined;
  readonly #closed = Promise.withResolvers<void>();

  /** @param hear what it throws fails the command under way, or the next */
  constructor(socket: Socket, hear: (line: string) => void) {
    this.#socket = socket;
    this.#hear = hear;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed.resolve();
      this.#fail(this.#fault ?? new ConnectionEnded());
    });
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** @returns the tagged answer without its tag; @throws ConnectionEnded; what `hear` threw */
  async command(text: string, literal?: string): Promise<string> {
    const tag = this.#send(literal === undefined ? text : `${text} {${literal.length}}`);
    if (literal !== undefined) {
      const line = await this.#next(heard => heard.startsWith('+') || heard.startsWith(tag));
      if (line.startsWith(tag)) return line.slice(tag.length);
      this.#socket.write(`${literal}\r\n`, 'latin1');
    }
    return this.#tagged(tag);
  }

  /** @returns how to end it */
  async idle(): Promise<() => Promise<string>> {
    const tag = this.#send('IDLE');
    const line = await this.#next(heard => heard.startsWith('+') || heard.startsWith(tag));
    if (!line.startsWith('+')) throw new Error(`IDLE: ${line}`);
    return () => {
      this.#socket.write('DONE\r\n');
      return this.#tagged(tag);
    };
  }

  async greeting(): Promise<string> {
    return this.#next(() => true);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(text: string): string {
    this.#tags += 1;
    const tag = `t${this.#tags} `;
    this.#socket.write(`${tag}${text}\r\n`, 'latin1');
    return tag;
  }

  async #tagged(tag: string): Promise<string> {
    return (await this.#next(line => line.startsWith(tag))).slice(tag.length);
  }

  #next(fits: (line: string) => boolean): Promise<string> {
    const answer = Promise.withResolvers<string>();
    this.#waiting = { fits, answer };
    if (this.#fault) this.#fail(this.#fault);
    else if (this.#socket.closed) this.#fail(new ConnectionEnded());
    this.#deliver();
    return answer.promise;
  }

  #fail(error: Error): void {
    this.#waiting?.answer.reject(error);
    this.#waiting = undefined;
  }

  #read(text: string): void {
    this.#received += text;
    this.#deliver();
  }

  #deliver(): void {
    for (let end = responseEnd(this.#received); end !== undefined; end = responseEnd(this.#received)) {
      const line = this.#received.slice(0, end - 2);
      if (this.#waiting?.fits(line)) {
        this.#received = this.#received.slice(end);
        this.#waiting.answer.resolve(line);
        this.#waiting = undefined;
      } else if (line.startsWith('* ')) {
        this.#received = this.#received.slice(end);
        try {
          this.#hear(line);
        } catch (error) {
          this.#fault ??= error instanceof Error ? error : new Error(String(error));
          this.#fail(this.#fault);
        }
      } else return;
    }
  }
}

export class ConnectionEnded extends Error {
  constructor() {
    super('the server closed the connection');
  }
}

/** Length of the first whole response with its literals and line end; undefined: it is not whole yet. */
function responseEnd(text: string): number | undefined {
  for (let start = 0; ; ) {
    const end = text.indexOf('\r\n', start);
    if (end < 0) return undefined;
    const literal = /\{(\d+)\}$/.exec(text.slice(Math.max(start, end - 12), end));
    start = end + 2;
    if (!literal) return start;
    start += Number(literal[1]);
    if (start > text.length) return undefined;
  }
}
