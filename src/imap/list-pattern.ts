import type { Scanner } from '../wire/scanner.ts';
import { INBOX, SEPARATOR, unicodeOf } from './mailbox-name.ts';

type Wildcard = 'none' | 'within-level' | 'any';

/**
 * A name with `%` and `*` in it (RFC 3501 §6.3.8), as an automaton: state n has matched n plain characters, and stays where it is for
 * the characters that the wildcard before the next one takes. States that cannot reach more than a later one are dropped, so that
 * only a few are left at a time, however many wildcards there are.
 */
export class ListPattern {
  /** Whether it has a `%` that is not beside a `*`. */
  readonly withinLevel: boolean;
  readonly #plain: string;
  /** For the first level of names below INBOX, which has no case. */
  readonly #capitals: string;
  /** Before the plain character of the same place; one more at the end. */
  readonly #wildcards: readonly Wildcard[];
  /** Stretches of states between which nothing takes a separator. */
  readonly #stretches: readonly number[];

  /**
   * @param reference put before the pattern, as RFC 3501 §6.3.8 has it for servers without characters that break out of it
   * @throws MailError `cannot` when one is not modified UTF-7
   */
  constructor(reference: string, pattern: string) {
    const whole = (unicodeOf(reference) + unicodeOf(pattern)).normalize('NFC');
    const wildcards: Wildcard[] = [];
    const stretches: number[] = [];
    let stretch = 0;
    let plain = '';
    let wildcard: Wildcard = 'none';
    for (const character of whole.split('')) {
      if (character === '*') wildcard = 'any';
      else if (character === '%') wildcard = wildcard === 'any' ? 'any' : 'within-level';
      else {
        wildcards.push(wildcard);
        stretches.push(stretch);
        if (wildcard === 'any' || character === SEPARATOR) stretch += 1;
        wildcard = 'none';
        plain += character;
      }
    }
    wildcards.push(wildcard);
    stretches.push(stretch);
    this.withinLevel = wildcards.includes('within-level');
    this.#plain = plain;
    this.#capitals = plain.replace(/[a-z]/g, letter => letter.toUpperCase());
    this.#wildcards = wildcards;
    this.#stretches = stretches;
  }

  /** @param name as in `MailboxInfo` */
  matches(name: string): boolean {
    const end = this.#plain.length;
    if (end > name.length) return false;
    // The two that clients ask for all day.
    if (end === 0 && this.#wildcards[0] === 'any') return true;
    if (end === 0 && this.#wildcards[0] === 'within-level') return !name.includes(SEPARATOR);
    const noCase = name === INBOX || name.startsWith(INBOX + SEPARATOR) ? INBOX.length : 0;
    let states = [0];
    for (let at = 0; at < name.length; at += 1) {
      states = this.#step(states, name.charAt(at), at < noCase ? this.#capitals : this.#plain);
      if (states.length === 0) return false;
    }
    return states.at(-1) === end;
  }

  /** @param states ascending */
  #step(states: readonly number[], character: string, plain: string): number[] {
    const next: number[] = [];
    for (const state of states) {
      const wildcard = this.#wildcards[state];
      if (wildcard === 'any') {
        // Whatever an earlier state could still reach, it reaches through this one, which takes anything meanwhile.
        next.length = 0;
        next.push(state);
      } else if (wildcard === 'within-level' && character !== SEPARATOR) {
        // The same, for those that get here without a separator.
        const stretch = this.#stretches[state];
        for (let last = next.at(-1); last !== undefined && this.#stretches[last] === stretch; last = next.at(-1))
          next.pop();
        next.push(state);
      }
      if (state < plain.length && plain.charAt(state) === character) next.push(state + 1);
    }
    return next;
  }
}

/** list-mailbox (RFC 3501 §9): a string, or an atom with wildcards. @throws Malformed */
export function scanListPattern(scanner: Scanner): string {
  return /^["{]$/.test(scanner.peek()) ? scanner.string('a pattern') : scanner.atom('a pattern');
}
