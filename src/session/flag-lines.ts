import { type FlagMask, flagNames } from '../mail/flags.ts';

/** Distinct masks of which the text is kept: a mailbox has few, and a hostile one must not fill the memory. */
const KEPT = 500;

/** Flag lists as FETCH tells them, by mask: most messages of a mailbox share a few. */
export class FlagLines {
  readonly #keywords: readonly string[];
  readonly #texts = new Map<FlagMask, string>();

  constructor(keywords: readonly string[]) {
    this.#keywords = keywords;
  }

  /** In parentheses. */
  of(mask: FlagMask, recent: boolean): string {
    const flags = this.#flags(mask);
    if (!recent) return `(${flags})`;
    return flags === '' ? '(\\Recent)' : `(${flags} \\Recent)`;
  }

  #flags(mask: FlagMask): string {
    const known = this.#texts.get(mask);
    if (known !== undefined) return known;
    const text = flagNames(mask, this.#keywords).join(' ');
    if (this.#texts.size < KEPT) this.#texts.set(mask, text);
    return text;
  }
}
