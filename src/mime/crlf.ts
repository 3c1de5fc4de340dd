const CR = 13;
const LF = 10;

/**
 * Makes every line feed one that follows a CR. Chunks may be cut anywhere. A CR without a line feed is left alone: it may be the
 * sender's business, and a signature over it must still fit.
 */
export class CrlfNormaliser {
  /** Line feeds that got a CR so far: so many octets more went out than came in. */
  added = 0;
  #afterCr = false;
  /** Used again and again: a long message must not leave its whole size to the collector. */
  #out = Buffer.alloc(0);

  /** @returns the same chunk when there is nothing to do, else octets that are good until the next push */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const wasCr = this.#afterCr;
    if (bytes.length > 0) this.#afterCr = bytes[bytes.length - 1] === CR;
    const bare = bareLineFeeds(bytes, wasCr);
    if (bare === 0) return chunk;
    this.added += bare;
    if (this.#out.length < bytes.length + bare) this.#out = Buffer.allocUnsafe(bytes.length + bare);
    return this.#out.subarray(0, withCrs(bytes, wasCr, this.#out));
  }
}

function bareLineFeeds(bytes: Buffer, afterCr: boolean): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 ? !afterCr : bytes[at - 1] !== CR) count += 1;
  }
  return count;
}

/** @returns how many octets were written */
function withCrs(bytes: Buffer, afterCr: boolean, into: Buffer): number {
  let before = afterCr ? CR : 0;
  let to = 0;
  for (const byte of bytes) {
    if (byte === LF && before !== CR) {
      into[to] = CR;
      to += 1;
    }
    into[to] = byte;
    to += 1;
    before = byte;
  }
  return to;
}
