import type { Meter } from './limits.ts';

// RFC 5322 §3.2.3: all but controls, space and specials; 8-bit bytes are let through, as they are common.
const ATEXT = /[^\x00-\x20\x7f()<>[\]:;@\\,."]+/y;
const ATEXT_OR_DOT = /[^\x00-\x20\x7f()<>[\]:;@\\,"]*/y;
// RFC 2045 §5.1: all but controls, space and tspecials.
const TOKEN = /[^\x00-\x20\x7f()<>@,;:\\"/[\]?=]*/y;
const IS_ATEXT = /^[^\x00-\x20\x7f()<>[\]:;@\\,."]$/;
const EMPTY_LABEL = /^\.|\.\.|\.$/;
const SPACE = /[ \t\r\n]*/y;
const COMMENT_TEXT = /[^()\\]*/y;
const QUOTED_TEXT = /[^"\\]*/y;
const LITERAL_TEXT = /[^[\]\\]*/y;
const LINE_END = /\r?\n/g;

/** Reads the terminals of header fields from left to right. No method goes back, so the work is linear in what is read. */
export class Lexer {
  readonly text: string;
  position = 0;
  /** The text of the comment last skipped. */
  comment = '';
  readonly #meter: Meter;

  constructor(text: string, meter: Meter = { steps: 0 }) {
    this.text = text;
    this.#meter = meter;
  }

  get atEnd(): boolean {
    return this.position >= this.text.length;
  }

  /** The next character; empty at the end. */
  peek(): string {
    return this.text.charAt(this.position);
  }

  /** Goes past the next character if it is this one. */
  take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.position += 1;
    return true;
  }

  skip(): void {
    this.position += 1;
  }

  /** Past white space and comments. False when a comment does not end. */
  skipSpace(): boolean {
    for (;;) {
      this.#match(SPACE);
      if (this.peek() !== '(') return true;
      if (!this.#skipComment()) return false;
    }
  }

  /** One word without dots, and the space after it; undefined when there is none. */
  atom(): string | undefined {
    const atom = this.#match(ATEXT);
    if (atom === '') return undefined;
    this.skipSpace();
    return atom;
  }

  /**
   * Words joined by dots, with space around the dots allowed (RFC 5322 §4.4), and dots too many, as some providers give out such
   * addresses; `whole` is false when there is none or a comment does not end.
   */
  dotAtom(): { readonly text: string; readonly whole: boolean } {
    let text = '';
    for (;;) {
      const piece = this.#match(ATEXT_OR_DOT);
      text += piece;
      if (piece === '' || !this.skipSpace()) return { text, whole: false };
      const next = this.peek();
      if (next !== '.' && !(text.endsWith('.') && IS_ATEXT.test(next))) return { text, whole: true };
    }
  }

  /** A token of MIME, possibly empty. */
  token(): string {
    return this.#match(TOKEN);
  }

  /** Everything up to the first of these characters. */
  until(characters: RegExp): string {
    const from = this.position;
    characters.lastIndex = from;
    this.position = characters.exec(this.text)?.index ?? this.text.length;
    return this.text.slice(from, this.position);
  }

  /** At a quotation mark. The text without quotes, escapes and line ends; `whole` is false when it does not end. */
  quotedString(): { readonly text: string; readonly whole: boolean } {
    this.skip();
    const pieces: string[] = [];
    for (;;) {
      pieces.push(this.#match(QUOTED_TEXT).replace(LINE_END, ''));
      if (this.atEnd) return { text: pieces.join(''), whole: false };
      if (this.take('"')) return { text: pieces.join(''), whole: this.skipSpace() };
      this.skip();
      if (this.atEnd) return { text: pieces.join(''), whole: false };
      pieces.push(this.peek());
      this.skip();
    }
  }

  /** Words, quoted strings and dots with one space between them (RFC 5322 §3.2.5, §4.1). */
  phrase(): { readonly text: string; readonly whole: boolean } {
    const words: string[] = [];
    if (this.peek() === '.') return { text: '', whole: false };
    for (;;) {
      if (this.peek() === '"') {
        const quoted = this.quotedString();
        if (!quoted.whole) return { text: words.join(' '), whole: false };
        words.push(quoted.text);
      } else {
        words.push(this.#match(ATEXT_OR_DOT));
        if (!this.skipSpace()) return { text: words.join(' '), whole: false };
      }
      if (this.atEnd || !/[^\x00-\x20\x7f()<>[\]:;@\\,]/.test(this.peek()))
        return { text: words.join(' '), whole: true };
    }
  }

  /** After "@": a name or a literal in brackets; undefined when it is broken. */
  domain(): { readonly text: string; readonly whole: boolean } {
    if (!this.skipSpace()) return { text: '', whole: false };
    if (this.peek() === '[') return this.#domainLiteral();
    const { text, whole } = this.dotAtom();
    return { text, whole: whole && !EMPTY_LABEL.test(text) };
  }

  #domainLiteral(): { readonly text: string; readonly whole: boolean } {
    this.skip();
    let text = '[';
    for (;;) {
      text += this.#match(LITERAL_TEXT).replace(LINE_END, '');
      if (this.take(']')) return { text: `${text}]`, whole: this.skipSpace() };
      if (this.peek() !== '\\') return { text: '', whole: false };
      text += this.text.slice(this.position, this.position + 2);
      this.position += 2;
    }
  }

  #skipComment(): boolean {
    const pieces: string[] = [];
    let depth = 0;
    for (;;) {
      const character = this.peek();
      if (character === '') return false;
      if (character === '(') depth += 1;
      else if (character === ')') depth -= 1;
      if (character === '\\') this.skip();
      // What is kept: the outermost parentheses and the backslashes are not part of the text.
      if (depth > 1 || (depth === 1 && character !== '(') || (depth === 1 && pieces.length > 0))
        pieces.push(this.peek());
      this.skip();
      if (depth === 0) break;
      pieces.push(this.#match(COMMENT_TEXT).replace(LINE_END, ''));
    }
    this.comment = pieces.join('');
    return true;
  }

  #match(pattern: RegExp): string {
    this.#meter.steps += 1;
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.position += found.length;
    return found;
  }
}
