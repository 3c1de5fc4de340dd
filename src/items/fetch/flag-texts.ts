import { type FlagMask, flagNames } from '../../mail/flags.ts';

/** Lists that are kept; a mailbox with more is not worth remembering. */
const KEPT_MOST = 4096;

/** `FLAGS (\Seen ...)` of masks, each made once: a mailbox has many messages and few combinations. */
export class FlagTexts {
  #keywords: readonly string[] = [];
  readonly #plain = new Map<FlagMask, string>();
  readonly #recent = new Map<FlagMask, string>();

  /** @param keywords the table of the page that the mask is from */
  textOf(mask: FlagMask, keywords: readonly string[], recent: boolean): string {
    if (keywords !== this.#keywords) this.#use(keywords);
    const texts = recent ? this.#recent : this.#plain;
    const known = texts.get(mask);
    if (known !== undefined) return known;
    const names = flagNames(mask, keywords);
    if (recent) names.push('\\Recent');
    const text = `FLAGS (${names.join(' ')})`;
    if (texts.size >= KEPT_MOST) texts.clear();
    texts.set(mask, text);
    return text;
  }

  /** Every page has a table of its own, and nearly always it is the same. */
  #use(keywords: readonly string[]): void {
    const same = keywords.length === this.#keywords.length && keywords.every((name, at) => name === this.#keywords[at]);
    this.#keywords = keywords;
    if (same) return;
    this.#plain.clear();
    this.#recent.clear();
  }
}
