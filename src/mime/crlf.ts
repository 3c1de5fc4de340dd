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

  /** @returns the same chunk when there is nothing to do, else another with the CRs in it */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const wasCr = this.#afterCr;
    if (bytes.length > 0) this.#afterCr = bytes[bytes.length - 1] === CR;
    const bare = bareLineFeeds(bytes, wasCr);
    if (bare === 0) return chunk;
    this.added += bare;
    return withCrs(bytes, wasCr, bare);
  }
}

function bareLineFeeds(bytes: Buffer, afterCr: boolean): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 ? !afterCr : bytes[at - 1] !== CR) count += 1;
  }
  return count;
}

function withCrs(bytes: Buffer, afterCr: boolean, bare: number): Buffer {
  const longer = Buffer.allocUnsafe(bytes.length + bare);
  let before = afterCr ? CR : 0;
  let to = 0;
  for (const byte of bytes) {
    if (byte === LF && before !== CR) {
      longer[to] = CR;
      to += 1;
    }
    longer[to] = byte;
    to += 1;
    before = byte;
  }
  return longer;
}
