import { isUtf8 } from 'node:buffer';
import { findFields } from '../../src/mime/header-block.ts';
import type { Part, Structure } from '../../src/mime/structure.ts';
import { Random } from '../fuzz/random.ts';
import { encodedText, TONGUES } from '../mime/corpus-letters.ts';

/** A question of SEARCH, written as a client writes it. */
export interface Asked {
  /** What follows SEARCH; texts as literals. */
  readonly parts: readonly (string | Uint8Array)[];
  /** For people. */
  readonly words: string;
  /** Names of the keys in it. */
  readonly keys: ReadonlySet<string>;
}

const FLAG_KEYS = ['ALL', 'ANSWERED', 'DELETED', 'DRAFT', 'FLAGGED', 'NEW', 'OLD', 'RECENT', 'SEEN'];
const UNFLAG_KEYS = ['UNANSWERED', 'UNDELETED', 'UNDRAFT', 'UNFLAGGED', 'UNSEEN'];
const KEYWORDS = ['Work', 'work', '$Label1', '$label1', 'Unknown', 'NonJunk'];
const FIELDS = ['Bcc', 'Cc', 'From', 'To', 'Subject', 'X-Label', 'MESSAGE-ID', 'Content-Type', 'X-Other', 'Reply-To'];
const HEADER_KEYS = ['BCC', 'CC', 'FROM', 'TO', 'SUBJECT'];
const RECEIVED = ['BEFORE', 'ON', 'SINCE'];
const SENT = ['SENTBEFORE', 'SENTON', 'SENTSINCE'];
const PLAIN = [
  'example.org',
  'ALICE',
  'bob',
  'hello',
  'folded',
  'over',
  'Hacker',
  'umlaut',
  'quoted',
  'text',
  '2026',
  'x',
];

/** Questions that are the same for the same seed. */
export function* madeUpQueries(seed: number, count: number, messages: number): Generator<Asked> {
  const random = new Random(seed);
  for (let made = 0; made < count; made += 1) yield new QueryMaker(random, messages).query();
}

const READABLE_DATE = /^(?:[A-Z][a-z]{2}, +)?\d{1,2} [A-Z][a-z]{2} \d{4}/;
const ADDRESS_KEYS = ['BCC', 'CC', 'FROM', 'TO'];
const ODD_ENCODING = /^content-transfer-encoding *:[ \t]*(?:\r?\n[ \t]+)?(?:x y|base64; x|"base64"|)[ \t]*\r?$/im;

const TEXT_KEYS = ['BODY', 'TEXT', 'SUBJECT', 'HEADER'];

/** Whether a message must be found or not as Dovecot says, by a question with these keys: nothing in it is of a listed difference. */
export function isComparable(message: Buffer, { root }: Structure, keys: ReadonlySet<string>): boolean {
  const header = message.subarray(0, root.header.end);
  const asks = (names: readonly string[]) => names.some(name => keys.has(name));
  if (asks(SENT) && !READABLE_DATE.test(findFields(header, 'date')[0]?.value ?? '')) return false;
  if (asks(['BODY']) && hasAttachedMessage(root)) return false;
  if (isLetter(header)) return true;
  if (asks(['BODY', 'TEXT']) && ODD_ENCODING.test(message.toString('latin1'))) return false;
  if (asks(TEXT_KEYS) && !isUtf8(message)) return false;
  // Some of their addresses cannot be read.
  return !(
    asks([...ADDRESS_KEYS, 'HEADER']) && /^(?:from|to|cc|bcc|reply-to)[ \t]*:/im.test(header.toString('latin1'))
  );
}

/** Of `corpus-letters.ts`: nothing in it is broken. */
function isLetter(header: Buffer): boolean {
  return /^Message-ID: <\d+@example\.org>/m.test(header.toString('latin1'));
}

function hasAttachedMessage(part: Part): boolean {
  return part.kind === 'message' || part.children.some(hasAttachedMessage);
}

class QueryMaker {
  readonly #random: Random;
  readonly #messages: number;
  readonly #charset: string;
  readonly #words: readonly string[];
  readonly #parts: (string | Uint8Array)[] = [];
  readonly #keys = new Set<string>();
  #line = '';
  #display = '';

  constructor(random: Random, messages: number) {
    this.#random = random;
    this.#messages = messages;
    const tongue = random.pick(TONGUES);
    this.#words = tongue.words;
    // What a client writes in is its own business, not the letters'.
    this.#charset = random.oneIn(2) ? 'utf-8' : random.pick(tongue.charsets);
  }

  query(): Asked {
    this.#write(` CHARSET ${this.#random.oneIn(2) ? this.#charset.toUpperCase() : this.#charset} `);
    const keys = 1 + this.#random.below(3);
    for (let key = 0; key < keys; key += 1) {
      if (key > 0) this.#write(' ');
      this.#key(0);
    }
    return { parts: [...this.#parts, this.#line], words: this.#display, keys: this.#keys };
  }

  #key(depth: number): void {
    const random = this.#random;
    const kind = random.below(depth > 3 ? 10 : 14);
    if (kind < 10) this.#simple(kind);
    else if (kind === 10) this.#joined(['NOT '], depth);
    else if (kind === 11) this.#joined(['OR ', ' '], depth);
    else if (kind === 12) this.#joined(['(', ' '], depth, ')');
    else this.#joined(['(NOT '], depth, ')');
  }

  #joined(before: readonly string[], depth: number, after = ''): void {
    for (const text of before) {
      this.#write(text);
      this.#key(depth + 1);
    }
    this.#write(after);
  }

  #simple(kind: number): void {
    const random = this.#random;
    if (kind === 0) this.#named(random.pick([...FLAG_KEYS, ...UNFLAG_KEYS]));
    else if (kind === 1) this.#named(random.pick(['KEYWORD', 'UNKEYWORD']), random.pick(KEYWORDS));
    else if (kind === 2) this.#named(random.pick(RECEIVED), this.#date(['Apr', 'May', 'jun'], 2025));
    else if (kind === 3) this.#named(random.pick(SENT), this.#date(['Jan', 'FEB', 'Mar'], 2024));
    else if (kind === 4) this.#named(random.pick(['LARGER', 'SMALLER']), String(random.below(2000)));
    else if (kind === 5) this.#numbers();
    else if (kind === 6) this.#field();
    else if (kind === 7) this.#text(random.pick(['BODY', 'TEXT']));
    else this.#text(random.pick(HEADER_KEYS));
  }

  #named(name: string, argument?: string): void {
    this.#keys.add(name);
    const written = this.#random.oneIn(4) ? name.toLowerCase() : name;
    this.#write(argument === undefined ? written : `${written} ${argument}`);
  }

  #date(months: readonly string[], year: number): string {
    const date = `${1 + this.#random.below(28)}-${this.#random.pick(months)}-${year}`;
    return this.#random.oneIn(2) ? `"${date}"` : date;
  }

  #numbers(): void {
    const random = this.#random;
    const number = () => (random.oneIn(8) ? '*' : String(1 + random.below(this.#messages)));
    const set = Array.from({ length: 1 + random.below(4) }, () =>
      random.oneIn(2) ? number() : `${number()}:${number()}`,
    );
    if (random.oneIn(2)) this.#named('UID', set.join(','));
    else this.#write(set.join(','));
  }

  #field(): void {
    const field = this.#random.pick(FIELDS);
    this.#keys.add('HEADER');
    this.#write(`HEADER ${field} `);
    if (this.#random.oneIn(3)) this.#write('""');
    else this.#literal(this.#word());
  }

  #text(key: string): void {
    this.#keys.add(key);
    this.#write(`${key} `);
    this.#literal(this.#word());
  }

  #word(): string {
    const random = this.#random;
    const word = random.oneIn(3) ? random.pick(PLAIN) : random.pick(this.#words);
    const cut = random.oneIn(3) ? word.slice(random.below(2), word.length - random.below(2)) : word;
    const cased = random.pick([cut, swapped(cut)]);
    return cased === '' ? word : cased;
  }

  #literal(text: string): void {
    const octets = encodedText(text, this.#charset);
    this.#display += JSON.stringify(text);
    this.#line += `{${octets.length}+}`;
    this.#parts.push(this.#line, octets);
    this.#line = '';
  }

  #write(text: string): void {
    this.#line += text;
    this.#display += text;
  }
}

/** The other case of each letter, where that is one letter again. */
function swapped(text: string): string {
  return [...text]
    .map(letter => {
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
      return other.length === letter.length ? other : letter;
    })
    .join('');
}
