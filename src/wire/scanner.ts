import { isUtf8 } from 'node:buffer';
import { type LiteralHead, parseLiteralHead } from './framer.ts';
import { Malformed } from './malformed.ts';

/** ATOM-CHAR and the specials that flags, list patterns, sequence sets and sections add; the commands' grammars narrow it. */
const ATOM = /[^\x00-\x20\x7f-\xff(){"]+/y;
/** RFC 9051 §9: ASTRING-CHAR = ATOM-CHAR / resp-specials. */
const ASTRING = /[^\x00-\x20\x7f-\xff(){"%*\\]+/y;
/** RFC 9051 §9: tag = 1*<any ASTRING-CHAR except "+">. */
const TAG = /[^\x00-\x20\x7f-\xff(){"%*\\+]+/y;
const QUOTED = /"((?:[^"\\\r\n\0]|\\["\\])*)"/y;
const LITERAL = /~?\{\d+\+?\}$/y;
const NUMBER = /\d{1,15}/y;

/**
 * Reads the grammar's terminals from one whole command or response: lines and the literals between them, as
 * `[line, literal, line, ...]`. The same for both sides of a connection. Every method throws `Malformed` and says what it
 * expected.
 */
export class Scanner {
  readonly #segments: readonly Buffer[];
  readonly #nesting: number;
  #index = 0;
  #line: string;
  #at = 0;
  #depth = 0;
  #starved = false;

  /** @param nesting deepest nesting of parentheses allowed */
  constructor(segments: readonly Buffer[], nesting = 50) {
    this.#segments = segments;
    this.#nesting = nesting;
    this.#line = segments[0]?.toString('latin1') ?? '';
  }

  get atEnd(): boolean {
    return this.#at >= this.#line.length && this.#index >= this.#segments.length - 1;
  }

  /** The next character without taking it; empty at the end of a line. */
  peek(): string {
    return this.#line.charAt(this.#at);
  }

  tag(): string {
    return this.#match(TAG, 'a tag');
  }

  /** An atom as commands use it: names, flags, sequence sets, patterns, sections. */
  atom(expected = 'an atom'): string {
    return this.#match(ATOM, expected);
  }

  /** A terminal of some command's own. @param pattern sticky (`y`) */
  token(pattern: RegExp, expected: string): string {
    return this.#match(pattern, expected);
  }

  number(expected = 'a number'): number {
    return Number(this.#match(NUMBER, expected));
  }

  space(): void {
    this.#take(' ', 'a space');
  }

  end(): void {
    if (!this.atEnd) throw new Malformed('nothing more was expected');
  }

  /** The rest of the line as text, for human-readable parts and challenges. */
  restOfLine(): string {
    const rest = this.#line.slice(this.#at);
    this.#at = this.#line.length;
    return decode(rest);
  }

  /** Takes the character if it is next. */
  accept(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at += character.length;
    return true;
  }

  /** Takes a terminal of some command's own if it is next. @param pattern sticky (`y`) */
  acceptToken(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#line)?.[0];
    this.#at += text?.length ?? 0;
    return text;
  }

  take(character: string): void {
    this.#take(character, `"${character}"`);
  }

  /** atom, quoted string or literal, as text. */
  astring(expected = 'a string'): string {
    return this.#atString() ? this.string(expected) : this.#match(ASTRING, expected);
  }

  /** As `astring`, as it came: for texts whose charset is told otherwise. */
  astringBytes(expected = 'a string'): Buffer {
    if (!this.#atString()) return Buffer.from(this.#match(ASTRING, expected), 'latin1');
    if (this.peek() === '"') return Buffer.from(unquote(this.#match(QUOTED, 'a quoted string')), 'latin1');
    return this.literal(expected);
  }

  /** quoted string or literal, as text. */
  string(expected = 'a string'): string {
    if (this.peek() === '"') {
      return decode(unquote(this.#match(QUOTED, 'a quoted string')));
    }
    return decodeBytes(this.literal(expected));
  }

  /** string or NIL. */
  nstring(expected = 'a string or NIL'): string | undefined {
    if (this.#atString()) return this.string(expected);
    if (this.#match(ATOM, expected).toUpperCase() !== 'NIL') throw new Malformed(`${expected} was expected`);
    return undefined;
  }

  /** A literal that was read whole. */
  literal(expected = 'a literal'): Buffer {
    this.#match(LITERAL, expected);
    const bytes = this.#segments[this.#index + 1];
    const line = this.#segments[this.#index + 2];
    if (!bytes || !line) {
      this.#starved = this.#index === this.#segments.length - 1;
      throw new Malformed(`${expected} was expected`);
    }
    this.#index += 2;
    this.#line = line.toString('latin1');
    this.#at = 0;
    return bytes;
  }

  /** The head of a literal that ends what has been read, and whose octets come by themselves: `{n}`, `{n+}`, `~{n}`. */
  upload(expected = 'a literal'): LiteralHead {
    const head = parseLiteralHead(this.#match(LITERAL, expected));
    if (!head || !this.atEnd) throw new Malformed(`${expected} was expected`);
    return head;
  }

  /** Whether a literal was asked for of which only the head has been read. */
  get starved(): boolean {
    return this.#starved;
  }

  /** A parenthesised list; `item` reads one element. */
  list<T>(item: () => T): T[] {
    this.#open();
    const items: T[] = [];
    if (!this.accept(')')) {
      do items.push(item());
      while (this.accept(' '));
      this.take(')');
    }
    this.#depth -= 1;
    return items;
  }

  #atString(): boolean {
    const first = this.peek();
    return first === '"' || first === '{' || (first === '~' && this.#line.charAt(this.#at + 1) === '{');
  }

  #open(): void {
    this.take('(');
    this.#depth += 1;
    if (this.#depth > this.#nesting) throw new Malformed('parentheses are nested too deeply');
  }

  #take(character: string, expected: string): void {
    if (!this.accept(character)) throw new Malformed(`${expected} was expected`);
  }

  #match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#line)?.[0];
    if (text === undefined) throw new Malformed(`${expected} was expected`);
    this.#at += text.length;
    return text;
  }
}

function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\(["\\])/g, '$1') : inner;
}

/** Text of bytes kept as latin1; must be UTF-8 where it is not ASCII. */
function decode(text: string): string {
  return /[\x80-\xff]/.test(text) ? decodeBytes(Buffer.from(text, 'latin1')) : text;
}

function decodeBytes(bytes: Buffer): string {
  if (bytes.includes(0)) throw new Malformed('a string holds NUL');
  if (!isUtf8(bytes)) throw new Malformed('a string is not UTF-8');
  return bytes.toString('utf8');
}
