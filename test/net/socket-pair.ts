import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket, connect as tcp } from 'node:net';
import { Channel } from '../../src/net/channel.ts';
import type { ReadBuffers } from '../../src/net/read-buffers.ts';

/** A channel, and the peer at the other end of its connection. */
export interface ChannelPair {
  readonly channel: Channel;
  readonly peer: Socket;
}

/** Connections over loopback for one test; `close` ends them all. */
export class SocketPairs {
  readonly #sockets: Socket[] = [];

  /** A channel over a socket that was accepted, as a client's is. */
  async accepted(): Promise<ChannelPair> {
    const { port, accepted } = await this.#listen();
    const peer = this.#keep(tcp({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true }));
    return { channel: Channel.over(await accepted), peer };
  }

  /** A channel that reads into lent buffers, as one to an upstream in clear does. */
  async lent(buffers: ReadBuffers): Promise<ChannelPair> {
    const { port, accepted } = await this.#listen();
    const channel = Channel.connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true }, buffers);
    this.#keep(channel.socket);
    await once(channel.socket, 'connect');
    return { channel, peer: await accepted };
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(): Promise<{ port: number; accepted: Promise<Socket> }> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const accepted = new Promise<Socket>(resolve => {
      server.once('connection', socket => {
        server.close();
        resolve(this.#keep(socket));
      });
    });
    return { port: typeof address === 'object' && address ? address.port : 0, accepted };
  }

  #keep(socket: Socket): Socket {
    this.#sockets.push(socket);
    return socket.on('error', () => {});
  }
}

/** Everything a socket receives up to its end, as text. Its bytes are latin1. */
export async function readToEnd(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  return Buffer.concat(chunks).toString('latin1');
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
