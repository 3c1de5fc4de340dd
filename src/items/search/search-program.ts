import { isText } from '../../imap/charset.ts';
import { type SequenceSet, scanSequenceSet } from '../../imap/sequence-set.ts';
import { Malformed } from '../../wire/malformed.ts';
import type { Scanner } from '../../wire/scanner.ts';
import { combineTerms, type SearchReader, type SearchTerm } from '../search-key.ts';
import type { Vocabulary } from '../vocabulary.ts';

const NAME = /[A-Za-z][A-Za-z0-9.]*/y;
const CHARSET = /CHARSET /iy;
/** Keys within keys; chains of OR count as one. */
const DEEPEST = 100;

/** What SEARCH asks, as it was read. */
export interface SearchProgram {
  readonly term: SearchTerm;
  /** Features that the client turns on by asking. */
  readonly uses: ReadonlySet<string>;
  /**
   * - `unknown-charset`: its texts are not to be understood
   * - `bad-text`: a text is not in the charset it is said to be in
   */
  readonly fault: 'unknown-charset' | 'bad-text' | undefined;
}

/**
 * `[CHARSET astring SP] search-key *(SP search-key)` (RFC 9051 §9). Without a charset texts are UTF-8, which US-ASCII is, too.
 * @throws Malformed
 */
export function scanSearchProgram(scanner: Scanner, vocabulary: Vocabulary): SearchProgram {
  return new ProgramReader(scanner, vocabulary).program();
}

class ProgramReader implements SearchReader {
  readonly scanner: Scanner;
  readonly uses: (feature: string) => void;
  readonly #vocabulary: Vocabulary;
  readonly #used = new Set<string>();
  #charset = 'UTF-8';
  #fault: SearchProgram['fault'];
  #depth = 0;

  constructor(scanner: Scanner, vocabulary: Vocabulary) {
    this.scanner = scanner;
    this.#vocabulary = vocabulary;
    this.uses = feature => this.#used.add(feature);
  }

  program(): SearchProgram {
    const { scanner } = this;
    if (scanner.acceptToken(CHARSET)) {
      this.#charset = scanner.astring('a charset');
      if (this.#decode(Buffer.alloc(0)) === undefined) this.#fault = 'unknown-charset';
      scanner.space();
    }
    const terms: SearchTerm[] = [];
    do terms.push(this.key());
    while (scanner.accept(' '));
    return { term: combineTerms('and', terms), uses: this.#used, fault: this.#fault };
  }

  key(): SearchTerm {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new Malformed('search keys are nested too deeply');
    const term = this.#key();
    this.#depth -= 1;
    return term;
  }

  text(): string {
    const bytes = this.scanner.astringBytes('a text');
    if (bytes.includes(0)) throw new Malformed('a text holds NUL');
    if (!isText(this.#charset, bytes)) this.#fault ??= 'bad-text';
    return this.#decode(bytes) ?? '';
  }

  #key(): SearchTerm {
    const { scanner } = this;
    const next = scanner.peek();
    if (next === '(') {
      const terms = scanner.list(() => this.key());
      if (terms.length === 0) throw new Malformed('a search key was expected');
      return combineTerms('and', terms);
    }
    if (next === '*' || (next >= '0' && next <= '9')) return sequenceTerm(scanSequenceSet(scanner));
    const name = scanner.token(NAME, 'a search key').toUpperCase();
    const key = this.#vocabulary.searchKeys.get(name);
    if (!key) throw new Malformed('this search key is not known');
    return key.parse(this);
  }

  #decode(bytes: Buffer): string | undefined {
    return this.#vocabulary.decodeCharset(this.#charset, bytes);
  }
}

/**
 * Numbers beyond the last message match nothing, as with Dovecot: clients search by numbers they remember. Only commands that act on
 * messages are refused then.
 */
function sequenceTerm(set: SequenceSet): SearchTerm {
  return async view => {
    const { exists } = view;
    const known = set.flatMap(([one, other]): SequenceSet => {
      const ends = [one, other].map(number => (number === '*' ? exists : number));
      const first = Math.min(...ends);
      return first > exists || exists === 0 ? [] : [[first, Math.min(Math.max(...ends), exists)]];
    });
    return { kind: 'uid', uids: await view.resolve(known, false) };
  };
}
