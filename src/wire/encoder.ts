import { Malformed } from './malformed.ts';

/** How literals may be sent: servers and LITERAL+ send them at once, clients otherwise wait (RFC 7888 §4, §5). */
export type LiteralMode = 'at-once' | 'plus' | 'minus' | 'synchronising';

/** RFC 7888 §5: LITERAL- allows non-synchronising literals up to this size. */
const LITERAL_MINUS_MOST = 4096;
const ATOM = /^[^\x00-\x20\x7f-\uffff(){"%*\\\]]+$/;
const ASTRING = /^[^\x00-\x20\x7f-\uffff(){"%*\\]+$/;
/** Longer strings go as literals: some servers limit quoted strings to a line. */
const QUOTED_MOST = 1000;
const QUOTABLE = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;
const QUOTABLE_UTF8 = /^[^\x00\r\n]*$/;

export interface EncoderOptions {
  readonly literals: LiteralMode;
  /** Whether quoted strings may hold UTF-8 (IMAP4rev2, UTF8=ACCEPT: RFC 6855 §3). */
  readonly utf8?: boolean;
}

/**
 * Builds one command or response, choosing for each string the form that the grammar and the peer allow: atom, quoted,
 * literal. `finish` gives the bytes in parts: before each part but the first, the peer's continuation request must be awaited.
 */
export class Encoder {
  readonly #options: EncoderOptions;
  readonly #parts: Buffer[] = [];
  #pieces: (string | Buffer)[] = [];

  constructor(options: EncoderOptions = { literals: 'at-once' }) {
    this.#options = options;
  }

  /** Text that is grammar already: keywords, spaces, numbers. Must be ASCII without line ends. */
  raw(text: string): this {
    this.#pieces.push(text);
    return this;
  }

  space(): this {
    return this.raw(' ');
  }

  number(value: number | bigint): this {
    return this.raw(value.toString());
  }

  /** @throws Malformed when the text is no atom */
  atom(text: string): this {
    if (!ATOM.test(text)) throw new Malformed(`${JSON.stringify(text)} is no atom`);
    return this.raw(text);
  }

  /** The shortest form of a string argument: atom, quoted or literal. */
  astring(text: string): this {
    // NIL as an atom would be read as "nothing" by peers that take nstrings.
    return ASTRING.test(text) && text.toUpperCase() !== 'NIL' ? this.raw(text) : this.string(text);
  }

  /** quoted or literal. */
  string(text: string): this {
    const quotable = text.length <= QUOTED_MOST && (this.#options.utf8 ? QUOTABLE_UTF8 : QUOTABLE).test(text);
    return quotable ? this.raw(`"${text.replace(/["\\]/g, '\\$&')}"`) : this.literal(Buffer.from(text, 'utf8'));
  }

  nstring(text: string | undefined): this {
    return text === undefined ? this.raw('NIL') : this.string(text);
  }

  literal(bytes: Buffer): this {
    // RFC 3516 §4.4: NUL needs a literal8.
    const prefix = bytes.includes(0) ? '~' : '';
    const { literals } = this.#options;
    const plus = literals === 'plus' || (literals === 'minus' && bytes.length <= LITERAL_MINUS_MOST);
    this.raw(`${prefix}{${bytes.length}${plus ? '+' : ''}}\r\n`);
    if (literals !== 'at-once' && !plus) this.#cut();
    this.#pieces.push(bytes);
    return this;
  }

  list<T>(items: Iterable<T>, encode: (encoder: this, item: T) => void): this {
    this.raw('(');
    let first = true;
    for (const item of items) {
      if (!first) this.raw(' ');
      first = false;
      encode(this, item);
    }
    return this.raw(')');
  }

  /** Ends the line. */
  finish(): readonly Buffer[] {
    this.raw('\r\n');
    this.#cut();
    return this.#parts;
  }

  #cut(): void {
    this.#parts.push(
      Buffer.concat(this.#pieces.map(piece => (typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece))),
    );
    this.#pieces = [];
  }
}
