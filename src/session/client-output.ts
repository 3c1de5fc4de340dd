import type { Piece } from '../commands/command.ts';
import type { ClientConnection } from '../net/client-connection.ts';

/** Octets to the client, and whether a response is under way within them. */
export class ClientOutput {
  readonly #connection: ClientConnection;
  readonly #onBytes: (bytes: string | Buffer) => void;
  #unfinished = false;

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
    return this.#connection.channel.write(bytes);
  }
}
