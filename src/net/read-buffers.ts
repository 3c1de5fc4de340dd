/** Enough for the login dialogue, IDLE notices and most commands. */
const SMALL = 8 * 1024;
/**
 * What one read takes from a busy upstream: fewer, larger reads cost less. No larger than this: the TLS layer keeps a buffer as large
 * as the largest write, for as long as the connection lasts (256 KB reads left 400 KB more at each idle connection).
 */
const LARGE = 64 * 1024;
/** Free buffers kept for the next burst, of each size. */
const SMALL_KEPT = 256;
const LARGE_KEPT = 16;

/** A buffer that belongs to one reader until `release`, which gives it back. Calling `release` twice would share it: never do. */
export interface LentBuffer {
  readonly bytes: Buffer;
  readonly release: () => void;
}

/**
 * Buffers that plaintext upstream sockets read into. A connection holds a small one while idle and large ones only while reads
 * fill them. A buffer is lent again only after the write of its bytes has completed: otherwise one user's mail would reach another.
 */
export class ReadBuffers {
  readonly #small: LentBuffer[] = [];
  readonly #large: LentBuffer[] = [];

  small(): LentBuffer {
    return this.#small.pop() ?? lend(SMALL, this.#small, SMALL_KEPT);
  }

  large(): LentBuffer {
    return this.#large.pop() ?? lend(LARGE, this.#large, LARGE_KEPT);
  }

  /**
   * The buffer to read into after one that took `filled` of `size` bytes. One that was not filled emptied the socket: what comes next
   * may come in an hour, and a large buffer would wait for it.
   */
  after(filled: number, size: number): LentBuffer {
    return filled === size ? this.large() : this.small();
  }
}

function lend(size: number, home: LentBuffer[], kept: number): LentBuffer {
  const lent: LentBuffer = {
    bytes: Buffer.allocUnsafeSlow(size),
    release: () => {
      if (home.length < kept) home.push(lent);
    },
  };
  return lent;
}
