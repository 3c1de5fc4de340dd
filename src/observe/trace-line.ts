/** How much of a line is kept; the rest is counted. Enough for any command worth reading. */
const MOST_KEPT = 4096;
/** The end of a line is kept as well, since that is where a literal is announced: `~{18446744073709551615+}`. */
const TAIL = 32;

/** One line as it is gathered from chunks. */
export class TraceLine {
  #head = Buffer.alloc(128);
  #kept = 0;
  #total = 0;
  readonly #tail = Buffer.alloc(TAIL);
  #tailLength = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#total;
  }

  append(bytes: Uint8Array): void {
    const wanted = Math.min(bytes.length, MOST_KEPT - this.#kept);
    if (this.#kept + wanted > this.#head.length) {
      const larger = Buffer.alloc(Math.min(MOST_KEPT, Math.max(this.#head.length * 2, this.#kept + wanted)));
      this.#head.copy(larger, 0, 0, this.#kept);
      this.#head = larger;
    }
    this.#head.set(bytes.subarray(0, wanted), this.#kept);
    this.#kept += wanted;
    this.#total += bytes.length;
    const last = bytes.subarray(Math.max(0, bytes.length - TAIL));
    const stays = Math.min(this.#tailLength, TAIL - last.length);
    this.#tail.copyWithin(0, this.#tailLength - stays, this.#tailLength);
    this.#tail.set(last, stays);
    this.#tailLength = stays + last.length;
  }

  /** The line without its line end, and ready for the next. */
  take(): { text: string; omitted: number; end: string } {
    const end = this.#tail.toString('latin1', 0, this.#tailLength).replace(/\r?\n?$/, '');
    const omitted = this.#total - this.#kept;
    const head = this.#head.toString('utf8', 0, this.#kept);
    this.#kept = 0;
    this.#total = 0;
    this.#tailLength = 0;
    return { text: omitted > 0 ? head : head.replace(/\r?\n?$/, ''), omitted, end };
  }
}

/** What a line's end announces (RFC 9051 §4.3, RFC 7888 §4): size, and whether the sender waits for a `+`. */
export function announcedLiteral(end: string): { size: number; waits: boolean } | undefined {
  const match = /\{(\d{1,20})(\+?)\}$/.exec(end);
  return match ? { size: Number(match[1]), waits: match[2] === '' } : undefined;
}

/** Shows a line; `hidden` hides everything from that text on. */
export function showLine(text: string, omitted: number): string {
  return omitted > 0 ? `${text}… <${omitted} more bytes>` : text;
}
