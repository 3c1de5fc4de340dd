import { type Frame, Framer, type FramerOptions, type LiteralHead } from './framer.ts';
import { Malformed } from './malformed.ts';

/** Where bytes come from: pulled, so that back-pressure needs no further mechanism. Undefined at the end. */
export interface ByteSource {
  read(): Promise<Buffer | undefined>;
}

/**
 * What to do with an announced literal:
 * - `buffer`: read it into the command; for arguments
 * - `stream`: hand the command over now, with the literal to be pulled; for messages
 * - `refuse`: do not read it
 */
export type LiteralDecision = 'buffer' | 'stream' | 'refuse';

export interface InputOptions extends FramerOptions {
  /** @param segments the command so far, its last element being the line that announces the literal */
  decide(segments: readonly Buffer[], literal: LiteralHead): LiteralDecision;
  /** Sends the continuation request for a synchronising literal. Absent on the side that never gets one. */
  goAhead?(): Promise<void>;
}

export type Unit =
  /** A whole command or response: `[line, literal, line, ...]` for a `Scanner`. */
  | { readonly kind: 'whole'; readonly segments: readonly Buffer[] }
  /** One up to a literal that is to be streamed; `Input.resume` gives what follows it. */
  | { readonly kind: 'partial'; readonly segments: readonly Buffer[]; readonly literal: LiteralStream }
  /** One that went over a limit; `start` begins it, `pending` bytes of it are still to come and will be skipped. */
  | {
      readonly kind: 'refused';
      readonly reason: 'line-too-long' | 'literal-too-big';
      readonly start: Buffer;
      readonly pending: number;
    }
  | { readonly kind: 'end' /** Whether the stream ended inside a unit. */; readonly unfinished: boolean };

/**
 * Commands (or responses) from a byte stream. Lines and small literals are collected, large literals streamed, over-long ones
 * refused at once and skipped without being kept.
 */
export class Input {
  readonly #source: ByteSource;
  readonly #framer: Framer;
  readonly #options: InputOptions;
  #streaming: LiteralStream | undefined;
  /** A refused unit whose bytes are still to be skipped. */
  #skipping = false;

  constructor(source: ByteSource, options: InputOptions) {
    this.#source = source;
    this.#options = options;
    this.#framer = new Framer(options);
  }

  /** The next unit. Whatever is left of the previous one (a literal not read to its end) is skipped first. */
  async next(): Promise<Unit> {
    if (this.#streaming) await this.#abandon(this.#streaming);
    if (this.#skipping && !(await this.#skip())) return { kind: 'end', unfinished: true };
    return await this.#collect([]);
  }

  /** What follows a streamed literal within the same command, the line after it first. */
  async resume(): Promise<Unit> {
    await this.#streaming?.drain();
    this.#streaming = undefined;
    return await this.#collect([]);
  }

  /** Bytes received but not given out, for whoever takes the stream over. */
  takeRest(): Buffer[] {
    return this.#framer.takeRest();
  }

  async #collect(segments: Buffer[]): Promise<Unit> {
    let size = 0;
    for (;;) {
      const frame = await this.#frame();
      if (!frame) return { kind: 'end', unfinished: segments.length > 0 };
      if (frame.kind === 'literal') throw new Malformed('a literal came where none was announced');
      const first = segments[0] ?? (frame.kind === 'line' ? frame.bytes : frame.start);
      if (frame.kind === 'line') size += frame.bytes.length;
      if (frame.kind === 'line-too-long' || size > this.#options.line) {
        return this.#refuse('line-too-long', first, frame.literal);
      }
      segments.push(frame.bytes);
      if (!frame.literal) return { kind: 'whole', segments };
      const decision = this.#options.decide(segments, frame.literal);
      if (decision === 'refuse') return this.#refuse('literal-too-big', first, frame.literal);
      if (decision === 'stream') {
        this.#streaming = new LiteralStream(frame.literal, () => this.#frame(), this.#goAhead(frame.literal));
        return { kind: 'partial', segments, literal: this.#streaming };
      }
      await this.#goAhead(frame.literal)?.();
      const literal = await this.#wholeLiteral(frame.literal.size);
      if (!literal) return { kind: 'end', unfinished: true };
      segments.push(literal);
    }
  }

  /** The command's handler went no further: what the peer sends of the command all the same is skipped. */
  async #abandon(literal: LiteralStream): Promise<void> {
    this.#streaming = undefined;
    if (literal.unsent) {
      this.#framer.cancelLiteral();
    } else {
      await literal.drain();
      this.#skipping = true;
    }
  }

  #goAhead(literal: LiteralHead): (() => Promise<void>) | undefined {
    return literal.synchronising && this.#options.goAhead
      ? () => this.#options.goAhead?.() ?? Promise.resolve()
      : undefined;
  }

  #refuse(reason: 'line-too-long' | 'literal-too-big', first: Buffer, literal: LiteralHead | undefined): Unit {
    const start = Buffer.from(first.subarray(0, 64));
    // The peer waits for our go-ahead and, refused, sends nothing more of this command (RFC 9051 §4.3).
    if (literal?.synchronising) this.#framer.cancelLiteral();
    this.#skipping = literal !== undefined && !literal.synchronising;
    return { kind: 'refused', reason, start, pending: this.#skipping ? (literal?.size ?? 0) : 0 };
  }

  /** Skips the rest of a unit: literals and lines up to one that announces no further literal. */
  async #skip(): Promise<boolean> {
    for (;;) {
      const frame = await this.#frame();
      if (!frame) return false;
      if (frame.kind === 'literal') continue;
      if (frame.literal?.synchronising) this.#framer.cancelLiteral();
      if (!frame.literal || frame.literal.synchronising) break;
    }
    this.#skipping = false;
    return true;
  }

  async #wholeLiteral(size: number): Promise<Buffer | undefined> {
    const pieces: Buffer[] = [];
    for (;;) {
      const frame = await this.#frame();
      if (frame?.kind !== 'literal') return undefined;
      pieces.push(frame.bytes);
      if (frame.last) return Buffer.concat(pieces, size);
    }
  }

  async #frame(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#framer.next();
      if (frame) return frame;
      const chunk = await this.#source.read();
      if (!chunk) return undefined;
      this.#framer.push(chunk);
    }
  }
}

/** The bytes of one literal, pulled. The continuation request goes out at the first pull. */
export class LiteralStream implements AsyncIterable<Buffer> {
  readonly size: number;
  readonly #pull: () => Promise<Frame | undefined>;
  #goAhead: (() => Promise<void>) | undefined;
  readonly #synchronising: boolean;
  #started = false;
  #done = false;

  constructor(head: LiteralHead, pull: () => Promise<Frame | undefined>, goAhead: (() => Promise<void>) | undefined) {
    this.size = head.size;
    this.#synchronising = head.synchronising;
    this.#pull = pull;
    this.#goAhead = goAhead;
  }

  /** @throws Malformed when the stream ends inside the literal */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    while (!this.#done) {
      const bytes = await this.#next();
      if (bytes.length > 0) yield bytes;
    }
  }

  /** Whether the peer still waits for a go-ahead; it then never sends the literal (RFC 9051 §4.3). */
  get unsent(): boolean {
    return this.#synchronising && !this.#started;
  }

  /** Skips what nobody read. */
  async drain(): Promise<void> {
    while (!this.#done) await this.#next();
  }

  async #next(): Promise<Buffer> {
    this.#started = true;
    const goAhead = this.#goAhead;
    this.#goAhead = undefined;
    await goAhead?.();
    const frame = await this.#pull();
    if (frame?.kind !== 'literal') {
      this.#done = true;
      throw new Malformed('the connection ended inside a literal');
    }
    this.#done = frame.last;
    return frame.bytes;
  }
}
