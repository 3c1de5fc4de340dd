/** `{42}`, `{42+}` or `~{42}` at the end of a line (RFC 9051 §4.3, RFC 7888 §3, RFC 3516 §4.4). */
export interface LiteralHead {
  /** Bytes that follow the line. */
  readonly size: number;
  /** Whether the sender waits for a continuation request first. */
  readonly synchronising: boolean;
  /** literal8: may hold NUL. */
  readonly binary: boolean;
}

export type Frame =
  | { readonly kind: 'line'; readonly bytes: Buffer; readonly literal: LiteralHead | undefined }
  | { readonly kind: 'line-too-long'; readonly start: Buffer; readonly literal: LiteralHead | undefined }
  | { readonly kind: 'literal'; readonly bytes: Buffer; readonly last: boolean };

export interface FramerOptions {
  /** Longest line in bytes, its end apart. */
  readonly line: number;
  /** Lines whose end is free text, so that a `{5}` there announces nothing (a server's status responses). */
  readonly isText?: (line: Buffer) => boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);
/** Enough of an over-long line to answer it by its tag, and to see the literal at its end. */
const START_KEPT = 64;
const TAIL_KEPT = 32;
/** A literal's size has at most this many digits; 63 bits need 19, doubles are exact to 15. */
const LITERAL = /(~?)\{(\d{1,15})(\+?)\}$/;

/**
 * Cuts a byte stream into lines and literals, however it is split into chunks. Holds at most one line; a literal's bytes are
 * passed on as they come. Does no I/O and keeps no chunk longer than needed.
 *
 * After a line that announces a literal, `next` gives the literal's bytes; a caller that refuses a synchronising literal calls
 * `cancelLiteral`, since the peer will then not send it.
 */
export class Framer {
  readonly #options: FramerOptions;
  #chunks: Buffer[] = [];
  /** Bytes of the line so far, in chunks already searched. */
  #partial: Buffer[] = [];
  #partialSize = 0;
  #literalLeft: number | undefined;
  #overlong: { start: Buffer; tail: Buffer } | undefined;

  constructor(options: FramerOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** The next frame, or undefined when more bytes are needed. */
  next(): Frame | undefined {
    return this.#literalLeft === undefined ? this.#nextLine() : this.#nextLiteral(this.#literalLeft);
  }

  cancelLiteral(): void {
    this.#literalLeft = undefined;
  }

  /** Everything not yet given out, for whoever takes the stream over; the framer is empty afterwards. */
  takeRest(): Buffer[] {
    const rest = [...this.#partial, ...this.#chunks];
    this.#partial = [];
    this.#partialSize = 0;
    this.#chunks = [];
    return rest;
  }

  #nextLiteral(left: number): Frame | undefined {
    if (left === 0) {
      this.#literalLeft = undefined;
      return { kind: 'literal', bytes: NOTHING, last: true };
    }
    const chunk = this.#chunks.shift();
    if (!chunk) return undefined;
    const bytes = chunk.length > left ? chunk.subarray(0, left) : chunk;
    if (chunk.length > left) this.#chunks.unshift(chunk.subarray(left));
    const remaining = left - bytes.length;
    this.#literalLeft = remaining === 0 ? undefined : remaining;
    return { kind: 'literal', bytes, last: remaining === 0 };
  }

  #nextLine(): Frame | undefined {
    for (let chunk = this.#chunks.shift(); chunk; chunk = this.#chunks.shift()) {
      const end = chunk.indexOf(LF);
      const piece = end === -1 ? chunk : chunk.subarray(0, end);
      this.#collect(piece);
      if (end === -1) continue;
      if (end + 1 < chunk.length) this.#chunks.unshift(chunk.subarray(end + 1));
      return this.#finishLine();
    }
    return undefined;
  }

  #collect(piece: Buffer): void {
    if (this.#overlong) {
      this.#overlong.tail = Buffer.concat([this.#overlong.tail, piece.subarray(-TAIL_KEPT)]).subarray(-TAIL_KEPT);
      return;
    }
    this.#partial.push(piece);
    this.#partialSize += piece.length;
    // One more than the limit: the CR of the line's end may be there already.
    if (this.#partialSize <= this.#options.line + 1) return;
    const all = Buffer.concat(this.#partial);
    this.#overlong = { start: this.#start(all), tail: Buffer.from(all.subarray(-TAIL_KEPT)) };
    this.#partial = [];
    this.#partialSize = 0;
  }

  #finishLine(): Frame {
    const overlong = this.#overlong;
    if (overlong) {
      this.#overlong = undefined;
      const literal = this.#announce(withoutCr(overlong.tail));
      return { kind: 'line-too-long', start: overlong.start, literal };
    }
    const [only] = this.#partial;
    const whole = this.#partial.length === 1 && only ? only : Buffer.concat(this.#partial, this.#partialSize);
    this.#partial = [];
    this.#partialSize = 0;
    const bytes = withoutCr(whole);
    if (bytes.length > this.#options.line) {
      return {
        kind: 'line-too-long',
        start: this.#start(bytes),
        literal: this.#announce(bytes),
      };
    }
    return { kind: 'line', bytes, literal: this.#announce(bytes) };
  }

  /** A copy of the line's first bytes, the same however it came. */
  #start(line: Buffer): Buffer {
    return Buffer.from(line.subarray(0, Math.min(START_KEPT, this.#options.line)));
  }

  #announce(line: Buffer): LiteralHead | undefined {
    if (line.at(-1) !== 0x7d || this.#options.isText?.(line)) return undefined;
    const literal = parseLiteralHead(line.toString('latin1', Math.max(0, line.length - TAIL_KEPT)));
    this.#literalLeft = literal?.size;
    return literal;
  }
}

/** The literal that a line's end announces, if it does. */
export function parseLiteralHead(line: string): LiteralHead | undefined {
  const match = LITERAL.exec(line);
  return match ? { size: Number(match[2]), synchronising: match[3] === '', binary: match[1] === '~' } : undefined;
}

function withoutCr(line: Buffer): Buffer {
  return line.at(-1) === CR ? line.subarray(0, -1) : line;
}
