/**
 * Longest message taken from a server, in bytes. Active Directory sends at most 10 MB by default, and an entry with a few chosen
 * attributes is far below 1 MB.
 */
export const LONGEST_MESSAGE = 8 * 1024 * 1024;

/** The server does not speak LDAP as RFC 4511 §5.1 has it; the connection is of no further use. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

const SEQUENCE = 0x30;

/**
 * Cuts the bytes of a connection into LDAP messages. Refuses a message by its announced length, before any of it is kept, and
 * joins what came in many pieces once, when it is complete.
 */
export class MessageFrames {
  readonly #longest: number;
  #pieces: Buffer[] = [];
  #size = 0;
  /** Bytes needed before looking again is worth it. */
  #wanted = 2;

  constructor(longest = LONGEST_MESSAGE) {
    this.#longest = longest;
  }

  /** Bytes received that belong to no complete message yet. */
  get pending(): number {
    return this.#size;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#pieces.push(chunk);
    this.#size += chunk.length;
  }

  /** The next complete message with its header, or undefined. @throws MalformedMessage */
  next(): Buffer | undefined {
    if (this.#size < this.#wanted) return undefined;
    const [first] = this.#pieces;
    if (first === undefined) return undefined;
    const bytes = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces, this.#size);
    const total = this.#announced(bytes);
    if (total === undefined || bytes.length < total) {
      this.#pieces = [bytes];
      this.#wanted = total ?? this.#size + 1;
      return undefined;
    }
    this.#pieces = bytes.length === total ? [] : [bytes.subarray(total)];
    this.#size -= total;
    this.#wanted = 2;
    return bytes.subarray(0, total);
  }

  /** Length of the message that begins here, header included; undefined while the header is incomplete. */
  #announced(bytes: Buffer): number | undefined {
    const [tag, first] = bytes;
    if (tag !== SEQUENCE) throw new MalformedMessage(`a message begins with byte ${tag}, not with a SEQUENCE`);
    if (first === undefined) return undefined;
    if (first < 0x80) return 2 + first;
    const more = first & 0x7f;
    if (more === 0 || more > 4) throw new MalformedMessage(`a message has a length of ${more} bytes`);
    if (bytes.length < 2 + more) return undefined;
    const length = bytes.readUIntBE(2, more);
    if (length > this.#longest) {
      throw new MalformedMessage(`a message of ${length} bytes is announced; at most ${this.#longest} are taken`);
    }
    return 2 + more + length;
  }
}
