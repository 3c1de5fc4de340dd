import type { Query } from '../../mail/query.ts';
import { fold } from './fold.ts';
import { FieldMatcher } from './header-fields.ts';
import { TextFinder } from './text-finder.ts';

/** How far a message has been read, and what was found in it. */
interface Progress {
  readonly inText: boolean[];
  readonly inBody: boolean[];
  readonly fields: boolean[];
  headerDone: boolean;
  done: boolean;
}

/** Undefined: it cannot be told yet. */
type Decide = (progress: Progress) => boolean | undefined;

/** What `prepareQuery` left of a query, ready for many messages: `header`, `body` and `text`, joined and negated. */
export class Residual {
  readonly #decide: Decide;
  readonly #needles: string[] = [];
  readonly #matchers: FieldMatcher[] = [];
  /** Whether the main header matters to anything but `header` keys. */
  #asksText = false;
  #asksBody = false;

  constructor(query: Query) {
    this.#decide = this.#compile(query);
  }

  get needsHeader(): boolean {
    return this.#asksText || this.#matchers.length > 0;
  }

  /** Whether headers are to be read as texts. */
  get needsHeaderText(): boolean {
    return this.#asksText;
  }

  get needsTexts(): boolean {
    return this.#asksText || this.#asksBody;
  }

  message(): MessageMatch {
    return new MessageMatch(this.#decide, this.#needles, this.#matchers);
  }

  #compile(query: Query): Decide {
    switch (query.kind) {
      case 'and':
      case 'or':
        return joined(
          query.kind === 'or',
          query.parts.map(part => this.#compile(part)),
        );
      case 'not':
        return negated(this.#compile(query.part));
      case 'header':
        return this.#field(query.field, query.text);
      case 'body':
      case 'text':
        return this.#text(query.kind, query.text);
      default:
        throw new TypeError(`the search key ${query.kind} is the index's to answer`);
    }
  }

  #field(field: string, text: string): Decide {
    const place = this.#matchers.push(new FieldMatcher(field, text)) - 1;
    return ({ fields, headerDone }) => fields[place] || (headerDone ? false : undefined);
  }

  #text(kind: 'body' | 'text', text: string): Decide {
    if (kind === 'text') this.#asksText = true;
    else this.#asksBody = true;
    const needle = fold(text);
    const known = this.#needles.indexOf(needle);
    const place = known === -1 ? this.#needles.push(needle) - 1 : known;
    return ({ inText, inBody, done }) =>
      (kind === 'text' ? inText[place] : inBody[place]) || (done ? false : undefined);
  }
}

/** One message while it is read: the main header first, as fields and as text, then the rest. */
export class MessageMatch {
  readonly #decide: Decide;
  readonly #matchers: readonly FieldMatcher[];
  readonly #finder: TextFinder;
  readonly #progress: Progress;

  constructor(decide: Decide, needles: readonly string[], matchers: readonly FieldMatcher[]) {
    this.#decide = decide;
    this.#matchers = matchers;
    this.#finder = new TextFinder(needles);
    this.#progress = {
      inText: needles.map(() => false),
      inBody: needles.map(() => false),
      fields: matchers.map(() => false),
      headerDone: false,
      done: false,
    };
  }

  /** Whether it matches; undefined as long as that depends on what has not been read. */
  get answer(): boolean | undefined {
    return this.#decide(this.#progress);
  }

  /** Whole fields of the main header. */
  fields(block: Uint8Array): void {
    const { fields } = this.#progress;
    for (const [place, matcher] of this.#matchers.entries()) fields[place] ||= matcher.matches(block);
  }

  headerDone(): void {
    this.#progress.headerDone = true;
  }

  /**
   * A piece of a text, folded.
   * @param isBody whether it counts for BODY as well as for TEXT
   * @param isLast the next piece is of another text
   */
  text(piece: string, isBody: boolean, isLast: boolean): void {
    const { inText, inBody } = this.#progress;
    this.#finder.push(
      piece,
      isLast,
      needle => !(isBody ? inBody : inText)[needle],
      needle => {
        inText[needle] = true;
        if (isBody) inBody[needle] = true;
      },
    );
  }

  /** Everything has been read. */
  finish(): boolean {
    this.#progress.headerDone = true;
    this.#progress.done = true;
    return this.answer === true;
  }
}

function joined(decisive: boolean, parts: readonly Decide[]): Decide {
  return progress => {
    let answer: boolean | undefined = !decisive;
    for (const part of parts) {
      const one = part(progress);
      if (one === decisive) return decisive;
      if (one === undefined) answer = undefined;
    }
    return answer;
  };
}

function negated(part: Decide): Decide {
  return progress => {
    const answer = part(progress);
    return answer === undefined ? undefined : !answer;
  };
}
