import { Lexer } from './lexer.ts';
import type { Meter } from './limits.ts';
import type { Address } from './structure.ts';

/** Stand in for what a broken address lacks, as in Dovecot: an address with a NIL domain would be read as a group. */
export const MISSING_MAILBOX = 'MISSING_MAILBOX';
export const MISSING_DOMAIN = 'MISSING_DOMAIN';
export const SYNTAX_ERROR = 'SYNTAX_ERROR';
export const INVALID_ROUTE = 'INVALID_ROUTE';

type Draft = { -readonly [Key in keyof Address]: Address[Key] };

/**
 * The addresses of a field (RFC 5322 §3.4, obsolete forms of §4.4 too). Never fails: what is broken is given as far as it can be
 * read, and a list ends where it cannot be followed.
 * @returns `cut` when there are more than `most`
 */
export function parseAddresses(
  value: string,
  most = Number.POSITIVE_INFINITY,
  meter?: Meter,
): { readonly addresses: Address[]; readonly cut: boolean } {
  const reader = new AddressReader(new Lexer(value, meter), most);
  reader.readList();
  return { addresses: reader.addresses, cut: reader.cut };
}

class AddressReader {
  readonly addresses: Address[] = [];
  cut = false;
  readonly #lexer: Lexer;
  readonly #most: number;
  #draft: Draft = empty();

  constructor(lexer: Lexer, most: number) {
    this.#lexer = lexer;
    this.#most = most;
  }

  readList(): void {
    const lexer = this.#lexer;
    if (!lexer.skipSpace() || lexer.atEnd) return;
    while (!this.#isFull()) {
      this.#address();
      if (!lexer.take(',')) return;
      if (!lexer.skipSpace()) {
        this.#addFixed();
        return;
      }
      if (lexer.atEnd) return;
    }
  }

  #isFull(): boolean {
    if (this.addresses.length >= this.#most) this.cut = true;
    return this.cut;
  }

  #address(): void {
    const lexer = this.#lexer;
    const start = lexer.position;
    const { text, whole } = lexer.phrase();
    if (whole && lexer.take(':')) this.#group(text);
    else {
      lexer.position = start;
      this.#mailbox();
    }
  }

  /** After the name and its colon. */
  #group(name: string): void {
    const lexer = this.#lexer;
    const whole = lexer.skipSpace();
    this.#draft.mailbox = name;
    this.#add();
    while (whole && !lexer.atEnd && lexer.peek() !== ';' && !this.#isFull()) {
      this.#mailbox();
      if (!lexer.take(',') || !lexer.skipSpace()) break;
    }
    if (lexer.take(';')) lexer.skipSpace();
    this.#draft = empty();
    this.#add();
  }

  #mailbox(): void {
    const lexer = this.#lexer;
    const start = lexer.position;
    const { text, whole } = lexer.phrase();
    if (whole && lexer.take('<')) {
      if (text !== '') this.#draft.name = text;
      if (!this.#angleAddress()) this.#draft.domain = SYNTAX_ERROR;
    } else {
      lexer.position = start;
      this.#plainAddress();
    }
    this.#addFixed();
  }

  /** After "<": [ "@" route ":" ] local-part "@" domain ">". */
  #angleAddress(): boolean {
    const lexer = this.#lexer;
    if (!lexer.skipSpace()) return false;
    if (lexer.peek() === '@') {
      const route = this.#route();
      if (route !== undefined && lexer.take(':')) this.#draft.route = route;
      else {
        this.#draft.route = INVALID_ROUTE;
        if (lexer.atEnd) return false;
      }
      if (!lexer.skipSpace()) return false;
    }
    if (lexer.peek() !== '>') {
      if (!this.#localPart()) return false;
      if (lexer.take('@')) {
        const { text, whole } = lexer.domain();
        if (!whole) return false;
        this.#draft.domain = text;
      }
    }
    return lexer.take('>') && lexer.skipSpace();
  }

  /** obs-domain-list (RFC 5322 §4.4). */
  #route(): string | undefined {
    const lexer = this.#lexer;
    const domains: string[] = [];
    while (lexer.take('@')) {
      const { text, whole } = lexer.domain();
      if (!whole || lexer.atEnd) return undefined;
      domains.push(`@${text}`);
      while (lexer.skipSpace() && lexer.take(','));
    }
    return lexer.atEnd ? undefined : domains.join(',');
  }

  #localPart(): boolean {
    const lexer = this.#lexer;
    const { text, whole } = lexer.peek() === '"' ? lexer.quotedString() : lexer.dotAtom();
    if (whole) this.#draft.mailbox = text;
    return whole;
  }

  /** local-part "@" domain, with the name in a comment as it was done once. */
  #plainAddress(): void {
    const lexer = this.#lexer;
    lexer.comment = '';
    const quoted = lexer.peek() === '"';
    const local = this.#localPart();
    const hasDomain = lexer.take('@');
    if (hasDomain) {
      const { text, whole } = lexer.domain();
      if (whole) this.#draft.domain = text;
    }
    if (lexer.comment !== '') this.#draft.name = lexer.comment;
    else if (!hasDomain) {
      // A name that nothing follows: the words are all that is known.
      const words = local ? [this.#draft.mailbox ?? ''] : [];
      const rest = lexer.phrase().text;
      if (rest !== '' || (quoted && local)) {
        this.#draft.mailbox = undefined;
        this.#draft.name = [...words, rest].join(' ').trimEnd();
      }
    }
  }

  #addFixed(): void {
    this.#draft.mailbox ??= MISSING_MAILBOX;
    this.#draft.domain ||= MISSING_DOMAIN;
    this.#add();
  }

  #add(): void {
    this.addresses.push(this.#draft);
    this.#draft = empty();
  }
}

function empty(): Draft {
  return { name: undefined, route: undefined, mailbox: undefined, domain: undefined };
}
