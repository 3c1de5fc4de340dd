import { type FlagMask, hasFlags, keywordBit, SYSTEM_FLAGS } from '../../mail/flags.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { Query } from '../../mail/query.ts';
import { rangesHave } from '../../mail/uid-ranges.ts';
import { FieldMatcher } from './header-fields.ts';
import { Residuals } from './residuals.ts';

/** What an index knows of one message. */
export interface Facts {
  readonly uid: number;
  readonly flags: FlagMask;
  /** The mailbox's table; the same array for all messages of a page. */
  readonly keywords: readonly string[];
  readonly modseq: number;
  readonly size: number;
  /** Internal date: milliseconds since 1970, minutes east of UTC. */
  readonly time: number;
  readonly zone: number;
  readonly sentDay: number | undefined;
  /** Undefined: too large to be kept, or not needed (`needs`). */
  readonly header: Uint8Array | undefined;
}

export interface PreparedQuery {
  /** Which facts it looks at, beyond those that cost nothing. */
  readonly needs: { readonly header: boolean };
  /**
   * Whether a message matches; a query where only its texts can tell. In that are `body` and `text`, and `header` where the header was
   * not given. Messages of which the same is left get the same object.
   */
  narrow(facts: Facts): boolean | Query;
}

type Narrow = (facts: Facts) => boolean | Query;

/** Parts that may lie in each other. A parser of commands allows far fewer. */
const DEEPEST = 1000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Makes a query ready for many messages. @throws MailError `limit`: too deep */
export function prepareQuery(query: Query): PreparedQuery {
  const compiler = new Compiler();
  const narrow = compiler.compile(query, 0);
  return { needs: { header: compiler.needsHeader }, narrow };
}

class Compiler {
  needsHeader = false;
  readonly #residuals = new Residuals();

  compile(query: Query, depth: number): Narrow {
    if (depth > DEEPEST) throw new MailError('limit', 'a search has parts that lie too deep in each other');
    switch (query.kind) {
      case 'all':
        return () => true;
      case 'and':
      case 'or':
        return this.#joined(
          query.kind,
          query.parts.map(part => this.compile(part, depth + 1)),
        );
      case 'not':
        return this.#negated(this.compile(query.part, depth + 1));
      case 'uid':
        return ({ uid }) => rangesHave(query.uids, uid);
      case 'flag':
        return flagged(query.name);
      case 'recent':
        return ({ uid }) => uid >= query.from;
      case 'received':
        return facts => fits(query.when, receivedDay(facts), query.day);
      case 'sent':
        return facts => fits(query.when, facts.sentDay ?? receivedDay(facts), query.day);
      case 'larger':
        return ({ size }) => size > query.octets;
      case 'smaller':
        return ({ size }) => size < query.octets;
      case 'modseq':
        return ({ modseq }) => modseq >= query.from;
      case 'header':
        return this.#header(query);
      case 'body':
      case 'text':
        return this.#text(query);
    }
  }

  #joined(kind: 'and' | 'or', parts: readonly Narrow[]): Narrow {
    const decisive = kind === 'or';
    return facts => {
      let left: Query[] | undefined;
      for (const part of parts) {
        const answer = part(facts);
        if (answer === decisive) return decisive;
        if (typeof answer === 'boolean') continue;
        if (left) left.push(answer);
        else left = [answer];
      }
      return left ? this.#residuals.joined(kind, left) : !decisive;
    };
  }

  #negated(part: Narrow): Narrow {
    return facts => {
      const answer = part(facts);
      return typeof answer === 'boolean' ? !answer : this.#residuals.negated(answer);
    };
  }

  #header(query: Extract<Query, { kind: 'header' }>): Narrow {
    this.needsHeader = true;
    const matcher = new FieldMatcher(query.field, query.text);
    const rest = this.#residuals.leaf(query);
    return ({ header }) => (header ? matcher.matches(header) : rest);
  }

  /** Left as it is, even if the header is at hand: whoever reads the text begins with that. */
  #text(query: Extract<Query, { kind: 'body' | 'text' }>): Narrow {
    // The empty text is in every text.
    if (query.text === '') return () => true;
    const rest = this.#residuals.leaf(query);
    return () => rest;
  }
}

function flagged(name: string): Narrow {
  const lower = name.toLowerCase();
  const system = SYSTEM_FLAGS.findIndex(flag => flag.toLowerCase() === lower);
  if (system !== -1) return ({ flags }) => hasFlags(flags, 2 ** system);
  // One table serves a whole page.
  let table: readonly string[] | undefined;
  let bit: FlagMask = 0;
  return ({ flags, keywords }) => {
    if (keywords !== table) {
      table = keywords;
      const index = keywords.findIndex(keyword => keyword !== '' && keyword.toLowerCase() === lower);
      bit = index === -1 ? 0 : keywordBit(index);
    }
    return bit !== 0 && hasFlags(flags, bit);
  };
}

function receivedDay({ time, zone }: Facts): number {
  return Math.floor((time + zone * MINUTE_MS) / DAY_MS);
}

function fits(when: 'before' | 'on' | 'since', is: number, day: number): boolean {
  if (when === 'on') return is === day;
  return when === 'before' ? is < day : is >= day;
}
