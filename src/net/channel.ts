import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { LentBuffer, ReadBuffers } from './read-buffers.ts';

/** Received bytes held for a reader that has not asked yet; beyond it the socket is paused. */
const QUEUE_MOST = 64 * 1024;

/** How long a peer gets to take its leave. */
const LINGER_MS = 2000;

/** The peer went away, or the connection was closed here, while something was still to be written. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/**
 * Takes chunks as they come. Returns false to be paused until `resume`. Where `release` is given the bytes are lent: they must
 * not be looked at after it was called, and it must be called once.
 */
export type ChunkSink = (bytes: Buffer, release: (() => void) | undefined) => boolean;

/**
 * A byte stream over a socket, read in one of two ways: pulled by a dialogue (`read`), then, once and for all, pushed into a
 * sink (`flow`). Reading stops when nobody wants more, so TCP's flow control is the only buffer there is.
 */
export class Channel {
  readonly socket: Socket;
  bytesIn = 0;
  bytesOut = 0;
  /** Why the connection ended, if it did not end well. */
  error: Error | undefined;
  #queue: Buffer[] = [];
  #queued = 0;
  #paused = false;
  #ended = false;
  #reader: ((bytes: Buffer | undefined) => void) | undefined;
  #writers: { resolve: () => void; reject: (error: Error) => void }[] | undefined;
  #sink: ChunkSink | undefined;
  #onEnd: (() => void) | undefined;
  readonly #onData = (chunk: Buffer): void => {
    if (!this.#receive(chunk, undefined)) this.#pause();
  };

  /** A channel over a socket that is read by its events: TLS sockets, and everything a client opens. */
  static over(socket: Socket): Channel {
    const channel = new Channel(socket);
    socket.on('data', channel.#onData);
    return channel;
  }

  /** Opens a plaintext connection that reads into lent buffers. The socket is not connected yet. */
  static connect(options: TcpNetConnectOpts, buffers: ReadBuffers): Channel {
    // The channel exists only after the socket that reads for it.
    let channel: Channel | undefined;
    let current: LentBuffer = buffers.small();
    let next: LentBuffer | undefined;
    const socket = connect({
      ...options,
      onread: {
        buffer: () => {
          current = next ?? current;
          next = undefined;
          return current.bytes;
        },
        callback: (size: number) => {
          const { bytes, release } = current;
          next = buffers.after(size, bytes.length);
          return channel?.receiveLent(bytes.subarray(0, size), release) ?? false;
        },
      },
    });
    channel = new Channel(socket);
    return channel;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('end', () => this.#finish());
    socket.on('error', error => {
      this.error ??= error;
    });
    socket.on('close', () => {
      this.#finish();
      this.#failWriters();
    });
    socket.on('drain', () => this.#releaseWriters());
  }

  get paused(): boolean {
    return this.#paused;
  }

  get closed(): boolean {
    return this.socket.destroyed;
  }

  /** The next bytes; undefined when the peer has ended. One reader at a time. */
  read(): Promise<Buffer | undefined> {
    const bytes = this.#queue.shift();
    if (bytes) {
      this.#queued -= bytes.length;
      if (this.#paused && this.#queue.length === 0) this.resume();
      return Promise.resolve(bytes);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise(resolve => {
      this.#reader = resolve;
    });
  }

  /** Resolves when more may be written. @throws ConnectionLost */
  write(bytes: Buffer | string): Promise<void> {
    if (this.socket.destroyed || this.socket.writableEnded) {
      return Promise.reject(new ConnectionLost('the connection is closed'));
    }
    this.bytesOut += bytes.length;
    if (this.socket.write(bytes)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writers ??= [];
      this.#writers.push({ resolve, reject });
    });
  }

  /** From now on everything received, first what is queued, goes to the sink; `onEnd` once, after the last bytes. */
  flow(sink: ChunkSink, onEnd: () => void): void {
    this.#sink = sink;
    this.#onEnd = onEnd;
    const queue = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    let wanted = true;
    for (const bytes of queue) wanted = sink(bytes, undefined) && wanted;
    if (this.#ended) onEnd();
    else if (wanted && this.#paused) this.resume();
    else if (!wanted) this.#pause();
  }

  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }

  /** Stops reading for good and gives the socket to another owner (a TLS layer), with the number of bytes nobody read. */
  detach(): { socket: Socket; unread: number } {
    let unread = this.#queued;
    this.socket.removeListener('data', this.#onData);
    this.socket.pause();
    // What the socket itself still holds would otherwise be taken for the new owner's first bytes.
    for (let bytes: unknown = this.socket.read(); Buffer.isBuffer(bytes); bytes = this.socket.read())
      unread += bytes.length;
    this.#queue = [];
    this.#queued = 0;
    return { socket: this.socket, unread };
  }

  /** Sends what was written, then FIN. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /**
   * Ends the connection so that the peer gets the last words: unread bytes would turn the close into a reset, which
   * overtakes them. Resolves when the socket is closed, after `linger` milliseconds at the latest.
   */
  close(linger = LINGER_MS): Promise<void> {
    if (this.socket.destroyed) return Promise.resolve();
    return new Promise(resolve => {
      const timer = setTimeout(() => this.socket.destroy(), linger);
      this.socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.flow(
        (_bytes, release) => {
          release?.();
          return true;
        },
        () => {},
      );
      this.socket.end();
    });
  }

  /** For the lent-buffer reader only. */
  receiveLent(bytes: Buffer, release: () => void): boolean {
    if (this.#sink) return this.#note(this.#receive(bytes, release));
    // A dialogue keeps lines across reads: it gets a copy of its own.
    const copy = Buffer.from(bytes);
    release();
    return this.#note(this.#receive(copy, undefined));
  }

  #note(wanted: boolean): boolean {
    if (!wanted) this.#paused = true;
    return wanted;
  }

  #receive(bytes: Buffer, release: (() => void) | undefined): boolean {
    this.bytesIn += bytes.length;
    if (this.#sink) return this.#sink(bytes, release);
    const reader = this.#reader;
    if (reader) {
      this.#reader = undefined;
      reader(bytes);
      return true;
    }
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    return this.#queued < QUEUE_MOST;
  }

  #pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reader?.(undefined);
    this.#reader = undefined;
    this.#onEnd?.();
  }

  #releaseWriters(): void {
    const writers = this.#writers;
    this.#writers = undefined;
    for (const { resolve } of writers ?? []) resolve();
  }

  #failWriters(): void {
    // Nearly always nobody waits; an error made for nobody would cost every connection a stack trace.
    if (!this.#writers) return;
    const error = new ConnectionLost('the connection was closed');
    for (const { reject } of this.#writers) reject(error);
    this.#writers = undefined;
  }
}
