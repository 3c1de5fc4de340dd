import type { Piece } from '../commands/command.ts';
import type { ClientConnection } from '../net/client-connection.ts';

/** Octets to the client, and whether a response is under way within them. */
export class ClientOutput {
  readonly #connection: ClientConnection;
  readonly #onBytes: (bytes: string | Buffer) => void;
  #unfinished = false;
  #gathering = false;
  #corked = false;

  constructor(connection: ClientConnection, onBytes: (bytes: string | Buffer) => void) {
    this.#connection = connection;
    this.#onBytes = onBytes;
  }

  /** Whether what was sent ends within a response: anything else that is said now would be taken for a part of it. */
  get unfinished(): boolean {
    return this.#unfinished;
  }

  /** Resolves when more may be sent. @throws ConnectionLost */
  send(piece: Piece): Promise<void> {
    this.#unfinished = typeof piece === 'object' && 'unfinished' in piece;
    const bytes = typeof piece === 'object' && 'unfinished' in piece ? piece.unfinished : piece;
    this.#onBytes(bytes);
    if (this.#gathering && !this.#corked) this.#cork();
    return this.#connection.channel.write(bytes);
  }

  /** From now on what is sent without waiting in between goes out in one write, such as a short response and the tagged answer. */
  gather(): void {
    this.#gathering = true;
  }

  #cork(): void {
    const { socket } = this.#connection.channel;
    this.#corked = true;
    socket.cork();
    // Runs when all that follows without waiting has run.
    process.nextTick(() => {
      this.#corked = false;
      socket.uncork();
    });
  }
}
