import { createServer, type Socket } from 'node:net';
import { listenOnPath } from '../net/unix-socket.ts';
import type { Logger } from './log.ts';

/** One line of JSON: the name of a command, and what it takes. */
export type AdminRequest = Readonly<Record<string, unknown>> & { readonly command: string };

/** Sends one row; resolves when the client keeps up. */
export type EmitRow = (row: object) => Promise<void>;

/** @returns what goes out as `done` @throws with a message for the administrator */
export type AdminCommand = (request: AdminRequest, emit: EmitRow, signal: AbortSignal) => Promise<unknown>;

export interface AdminSocket {
  /** Takes no more clients, ends those there are, and removes the socket. */
  close(): Promise<void>;
}

const MOST_REQUEST = 64 * 1024;
const MOST_CLIENTS = 32;
/** A client that has not asked for anything for so long is let go. */
const IDLE_MS = 60_000;
/** How long a client gets to read the last line. */
const LINGER_MS = 2000;

/**
 * Listens for the command line on a unix socket that only its owner (and root) can open. A request is one line of JSON with
 * `command`; the answer is any number of `{"row": ...}` lines, then one `{"done": ...}` or `{"error": "..."}`. Several requests may
 * follow each other on a connection.
 * @throws when the path is too long, is no socket, or somebody answers there already
 */
export async function listenAdminSocket(
  path: string,
  commands: Readonly<Record<string, AdminCommand>>,
  log: Logger,
): Promise<AdminSocket> {
  const clients = new Set<Socket>();
  // A client may close its side once it has asked: `echo ... | nc -U` does.
  const server = createServer({ allowHalfOpen: true }, socket => {
    clients.add(socket);
    socket.on('close', () => clients.delete(socket));
    if (clients.size > MOST_CLIENTS) {
      socket.on('error', () => {});
      socket.write(`${JSON.stringify({ error: 'too many administrators at once' })}\n`);
      takeLeave(socket);
      return;
    }
    void new AdminConversation(socket, commands, log).run();
  });
  try {
    await listenOnPath(server, path, 0o600);
  } catch (error) {
    throw new Error(`admin.socket: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return {
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      for (const socket of clients) socket.destroy();
      await closed;
    },
  };
}

/** One client of the socket. */
class AdminConversation {
  readonly #socket: Socket;
  readonly #commands: Readonly<Record<string, AdminCommand>>;
  readonly #log: Logger;
  readonly #gone = new AbortController();

  constructor(socket: Socket, commands: Readonly<Record<string, AdminCommand>>, log: Logger) {
    this.#socket = socket;
    this.#commands = commands;
    this.#log = log;
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('close', () => this.#gone.abort());
    socket.on('error', error => log.debug({ err: error }, 'an administrator went away'));
  }

  async run(): Promise<void> {
    let text = '';
    this.#socket.setEncoding('utf8');
    try {
      for await (const chunk of this.#socket.iterator({ destroyOnReturn: false })) {
        text += String(chunk);
        for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
          const line = text.slice(0, end);
          text = text.slice(end + 1);
          if (line.length > MOST_REQUEST) return await this.#refuseSize();
          // The time-out is for those who ask nothing, not for those who wait for an answer.
          this.#socket.setTimeout(0);
          await this.#answer(line);
          this.#socket.setTimeout(IDLE_MS);
        }
        if (text.length > MOST_REQUEST) return await this.#refuseSize();
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) this.#log.debug({ err: error }, 'an administrator went away');
    } finally {
      takeLeave(this.#socket);
    }
  }

  async #refuseSize(): Promise<void> {
    await this.#send({ error: `a request is ${MOST_REQUEST} bytes at most` });
  }

  async #answer(line: string): Promise<void> {
    const request = parseRequest(line);
    if (request instanceof Error) return this.#send({ error: request.message });
    const command = Object.hasOwn(this.#commands, request.command) ? this.#commands[request.command] : undefined;
    if (!command) {
      const known = Object.keys(this.#commands).join(', ');
      return this.#send({ error: `there is no command "${request.command}"; this server knows: ${known}` });
    }
    try {
      const done = await command(request, row => this.#send({ row }), this.#gone.signal);
      await this.#send({ done: done ?? null });
    } catch (error) {
      if (this.#gone.signal.aborted) return;
      if (!(error instanceof RangeError))
        this.#log.error({ err: error, command: request.command }, 'an admin command failed');
      await this.#send({ error: error instanceof Error ? error.message : String(error) });
    }
  }

  async #send(message: object): Promise<void> {
    this.#gone.signal.throwIfAborted();
    if (this.#socket.write(`${JSON.stringify(message)}\n`)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve);
    this.#gone.signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#socket.off('drain', resolve);
  }
}

/** Ends a connection so that the last line arrives: closing with unread bytes would have the client read an error instead. */
function takeLeave(socket: Socket): void {
  socket.end();
  socket.resume();
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}

function parseRequest(line: string): AdminRequest | Error {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return new Error('a request is one line of JSON; this is not');
  }
  return isRequest(value) ? value : new Error('a request is an object with a "command"');
}

function isRequest(value: unknown): value is AdminRequest {
  return typeof value === 'object' && value !== null && 'command' in value && typeof value.command === 'string';
}
